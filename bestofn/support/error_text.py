"""Foreign errors as one sentence: an exception's first line, what pydantic or torch found wrong.

first_line(OSError("disk full\\n..."))      "OSError: disk full"
str(faults(validation_error)[0])           "policy.max_rounds: must be a whole number"
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from bestofn.support.plain_words import plain

LONGEST = 240
"""Characters kept: enough for a cause, not for the conversation that some errors quote."""

QUOTED = 200
"""Characters of a value that an error quotes back."""


def shortened(text: str, most: int = QUOTED) -> str:
    """The text, or its beginning and its end where it is longer than `most` characters.

    ``shortened("a" * 9 + "z", 8)`` is ``"aaaa...z"``. What is no character, half of a surrogate
    pair, becomes a question mark: a message has to be sent.
    """
    if len(text) > most:
        tail = max(1, most // 4)
        text = f"{text[: most - tail - 3]}...{text[-tail:]}"
    return text.encode("utf-8", "replace").decode()


def first_line(error: BaseException) -> str:
    """The error's class and the first line of its text, cut at `LONGEST` characters."""
    text = str(error).strip().partition("\n")[0]
    line = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return line if len(line) <= LONGEST else line[:LONGEST] + "..."


_ADVICE = ("weights_only", "Weights only load failed", "_use_new_zipfile_serialization")
"""What torch names in its advice."""


def weights_fault(error: BaseException) -> str | None:
    """What is wrong with a pickle that torch would not read; None: that is not what `error` is.

    torch then advises to load it all the same, which would run whatever code it holds.
    """
    cause: BaseException | None = error
    while cause is not None:
        if any(word in str(cause) for word in _ADVICE):
            return "the pickle is damaged, or holds more than tensors: save it as safetensors"
        cause = cause.__cause__ or cause.__context__
    return None


class HasFaults(Protocol):
    """A `pydantic.ValidationError`, or FastAPI's RequestValidationError."""

    def errors(self) -> Sequence[Any]:
        """What is wrong, a mapping each."""
        ...


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that pydantic found wrong; its text is ``path: message``.

    Args:
        path: of the field, dotted; '' for the whole.
        message: what is wrong, in plain words; a validator's own as it is.
        kind: pydantic's name for it, for example ``extra_forbidden``.
        context: what pydantic says besides.
    """

    path: str
    message: str
    kind: str
    context: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


def faults(error: HasFaults, *, without: Collection[str] = ()) -> list[Fault]:
    """What is wrong, in pydantic's order; at least one.

    Args:
        error: what was raised.
        without: parts left out of the paths, which stand for no field of the user's.
    """
    return [
        Fault(
            ".".join(shortened(str(part), 64) for part in each["loc"] if part not in without),
            shortened(_message(each), LONGEST),
            each["type"],
            each.get("ctx", {}),
        )
        for each in error.errors()
    ]


def likeliest(error: HasFaults, *, without: Collection[str] = ()) -> Fault:
    """The fault to name, where there is to be one: of a field that may have several forms, what is
    wrong with the form that was meant.

    That is the fault that lies deepest, then one of a value rather than of a type: of ``[None]``
    for a text or a list of mappings, that item 0 is no mapping. Its path has no names of forms.
    """
    errors = error.errors()
    field = errors[0]["loc"][:2]
    same = [at for at, each in enumerate(errors) if each["loc"][:2] == field]
    chosen = max(
        same, key=lambda at: (len(errors[at]["loc"]), not errors[at]["type"].endswith("_type"), -at)
    )
    fault = faults(error, without=without)[chosen]
    parts = [part for part in fault.path.split(".") if not _FORM.search(part)]
    return replace(fault, path=".".join(parts))


_FORM = re.compile(r"[\[\]'(]|^(?:constrained-\w+|str|int|float|bool|[A-Z][a-z]+[A-Z]\w*)$")
"""Parts of a path by which pydantic names one form of several: constrained-str, list[...]."""


def _message(error: Mapping[str, Any]) -> str:
    return plain(error["type"], error.get("ctx", {}), error["msg"].removeprefix("Value error, "))


def all_faults(
    error: HasFaults,
    *,
    without: Collection[str] = (),
    hint: Callable[[Fault], str] = lambda fault: "",
    named: Callable[[str], str] = lambda path: path,
) -> str:
    """All that is wrong as one sentence, each field once.

    Args:
        error: what was raised.
        without: as `faults`; of a field that has several forms each says what it wants.
        hint: the end of each message, for example what was meant.
        named: what the field of a path is called.
    """
    found: dict[str, list[str]] = {}
    for each in faults(error, without=without):
        messages = found.setdefault(named(each.path), [])
        if (message := each.message + hint(each)) not in messages:
            messages.append(message)
    said = {path: " or ".join(messages) for path, messages in found.items()}
    return "; ".join(f"{path}: {message}" if path else message for path, message in said.items())
