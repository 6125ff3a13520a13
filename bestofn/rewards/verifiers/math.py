"""The mathematics verifier: math-verify reads the answer and the reference, and compares."""

from __future__ import annotations

import importlib.util
import logging
import re
from typing import Any

from bestofn.core.errors import ConfigError
from bestofn.core.types import Candidate, Failure, Request
from bestofn.rewards.verifiers.cost import takes_for_ever
from bestofn.rewards.verifiers.verdicts import TIMED_OUT, UNUSABLE_REFERENCE
from bestofn.rewards.verifiers.verifier import SECONDS, VerifierRewardModel
from bestofn.support.reference_text import reference_text
from bestofn.support.thoughts import without_thoughts

MEMORY_MB = 2048
"""Of address space that reading one formula may take: a power of powers asks for more than any
machine has. A worker without one takes about 300."""

TAKES_FOR_EVER = "it has a power or a factorial that would take for ever"

_DELIMITED = re.compile(r"\$|\\boxed|\\\(|\\\[")
_FORMULA = re.compile(r"[\\^_=+*/{(\[]")
_FINAL = "####"
"""What GSM8K's solutions have before the answer."""


def math_verifier(
    *,
    precision: int = 6,
    strict: bool = True,
    timeout: float = SECONDS,
    concurrency: int | None = None,
) -> VerifierRewardModel:
    r"""A verifier of answers to mathematical questions: 1 where the answer equals the reference.

    The reference is the right answer: a number, or text, in LaTeX or plain (``1/2``,
    ``\frac{1}{2}``, ``\{1, 2\}``), also the end of a solution in GSM8K's form, after ``####``. In
    a candidate, math-verify takes the last formula that is announced as the answer, in
    ``\boxed{}``, or between ``$``; else the last number. A formula that stands bare in a sentence
    is not found. An answer in which nothing is found is wrong.

    Failures: ``no_reference``; ``unusable_reference``, nothing is found in it; ``verifier_error``,
    sympy fails on one of the two; ``verifier_timeout``, at once for towers of powers and factorials
    of large numbers, which are not begun.

    Args:
        precision: decimal places to which numbers are compared.
        strict: whether variables' names count, and a set is no tuple; as math-verify has it.
        timeout: seconds for one candidate.
        concurrency: as `VerifierRewardModel`.

    Raises:
        ConfigError: math-verify is not installed, or an argument is out of its range.
    """
    if importlib.util.find_spec("math_verify") is None:
        raise ConfigError(
            "the math verifier needs math-verify: pip install 'bestofn-middleware[math]'"
        )
    if precision < 0:
        raise ConfigError(f"precision of the math verifier is {precision}; it must be at least 0")
    return VerifierRewardModel(
        f"{__name__}:check",
        name="the math verifier",
        timeout=timeout,
        concurrency=concurrency,
        needs_reference=True,
        options={"precision": precision, "strict": strict},
        memory_mb=MEMORY_MB,
    )


def prepare() -> None:
    """Load math-verify and sympy, which takes seconds; a worker does it before it is asked."""
    _read("$1$")


def check(
    request: Request, candidate: Candidate, *, precision: int, strict: bool
) -> bool | Failure:
    """Whether the answer equals the reference. May run for ever: whoever calls it keeps time.

    Raises:
        Exception: sympy's, where it fails on one of the two.
    """
    from math_verify import verify  # type: ignore[import-untyped]

    reference = request.reference
    if isinstance(reference, bool) or not isinstance(reference, str | int | float):
        detail = f"the reference is no number or text, but {type(reference).__name__}"
        return Failure(UNUSABLE_REFERENCE, detail)
    right = reference_text(reference).rpartition(_FINAL)[2].strip()
    text = without_thoughts(candidate.text)
    if right and text == right:
        return True
    if takes_for_ever(text):
        return Failure(TIMED_OUT, TAKES_FOR_EVER)
    gold = _read(right if _DELIMITED.search(right) else f"${right}$") or _read(right)
    if not gold:
        return Failure(UNUSABLE_REFERENCE, "math-verify finds no formula in the reference")
    answer = _read(text)
    if not answer and "\n" not in text and _FORMULA.search(text):
        formula = f"${text}$"  # nothing but a formula, without its marks
        if takes_for_ever(formula):
            return Failure(TIMED_OUT, TAKES_FOR_EVER)
        answer = _read(formula)
    trouble: Exception | None = None
    for one in gold:
        for other in answer:
            try:
                if verify(
                    one,
                    other,
                    float_rounding=precision,
                    strict=strict,
                    timeout_seconds=None,
                    raise_on_error=True,
                ):
                    return True
            except Exception as error:  # sympy's are of many classes; another pair may be equal
                trouble = error
    if trouble is not None:
        raise trouble
    return False


def _read(text: str) -> list[Any]:
    """What math-verify finds, as expressions and as text.

    Its own time limits are off: they are signals, in whole seconds.
    """
    from math_verify import parse

    logging.getLogger("math_verify").setLevel(logging.ERROR)  # it warns that they are off
    unlimited: Any = None  # its annotations forget that this is allowed
    found: list[Any] = parse(text, parsing_timeout=unlimited, raise_on_error=True)
    return found
