"""The file of a batch's answers: a line each, written when it is there, and kept by the next run.

    {"id": "batch_req_...", "custom_id": "a", "response": {"status_code", "request_id", "body"},
     "error": null}

What a run before has answered is kept, unless the line was changed since, or the fault may pass (a
status of 408, 429 or 5xx). What a kill left of a last line is taken off. Only one process writes.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from io import FileIO
from pathlib import Path
from typing import Any

from bestofn.core.errors import ConfigError
from bestofn.support.alone import alone
from bestofn.support.beside import beside
from bestofn.support.disk_faults import disk_faults
from bestofn.support.place import place_of
from bestofn_server.batch.lines import ANSWER, BatchLine

_PASSING = frozenset({408, 429, 499})
"""Statuses below 500 that another try may mend."""


def answer_of(line: BatchLine, status: int, body: Any) -> dict[str, Any]:
    """The answer to a line that was asked. The error of one that failed stands in its body, as
    OpenAI has it, and as `error`, where vLLM has it."""
    error = body.get("error") if isinstance(body, Mapping) and status != 200 else None
    response = {"status_code": status, "request_id": line.identity, "body": body}
    return {
        "id": line.identity,
        "custom_id": line.custom_id,
        "response": response,
        "error": error,
    }


def refusal_of(line: BatchLine) -> dict[str, Any]:
    """The answer to a line that asks nothing."""
    error = {"code": line.code, "message": line.error, "line": line.number}
    return {"id": line.identity, "custom_id": line.custom_id, "response": None, "error": error}


def may_pass(status: int) -> bool:
    """Whether a request that was answered so is worth another try."""
    return status in _PASSING or status >= 500


class Answers:
    """The file, open to be written; make it with `open_answers`.

    Attributes:
        kept: the statuses of what a run before has answered, by the answer's id.
    """

    def __init__(self, path: Path, file: FileIO, kept: Mapping[str, int]) -> None:
        self._path = path
        self._file = file
        self.kept = kept

    def write(self, answer: Mapping[str, Any]) -> None:
        """Add a line, which outlives this process from then on.

        Raises:
            DatasetError: the disk does not let it.
        """
        text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
        left = memoryview(text.encode("utf-8", "surrogatepass") + b"\n")
        with disk_faults(self._path, goes_on=True):
            while left:
                left = left[self._file.write(left) :]

    def sync(self) -> None:
        """Have what was written outlive the machine.

        Raises:
            DatasetError: the disk does not let it.
        """
        with disk_faults(self._path, goes_on=True):
            os.fsync(self._file.fileno())


@contextlib.contextmanager
def open_answers(path: Path, asked: Mapping[str, str]) -> Iterator[Answers]:
    """The answers at `path`, with what is kept of a run before.

    Args:
        path: of the file.
        asked: the id of the answer to each `custom_id`.

    Raises:
        ConfigError: it cannot be written, another process writes there, or it is no file of
            answers: it is left as it is.
    """
    path = place_of(path)  # what a link names is replaced, not the link
    with contextlib.ExitStack() as stack:
        try:
            if path.exists() and not path.is_file():
                raise ConfigError(f"{path} is no file: name one that answers can be kept in")
            if not path.parent.is_dir():
                raise ConfigError(f"{path}: there is no folder {path.parent}")
            # Each replaces the file when it begins, and would write into one that is no more there.
            stack.enter_context(alone(path))
            kept = _keep(path, asked) if path.exists() else {}
            # Nothing is buffered, that closing would have to write.
            file = stack.enter_context(path.open("ab", buffering=0))
        except OSError as error:
            raise ConfigError(f"{path} cannot be written: {error.strerror or error}") from error
        answers = Answers(path, file, kept)
        yield answers
        answers.sync()


def _keep(path: Path, asked: Mapping[str, str]) -> dict[str, int]:
    """Leave in the file what counts, and say which that is.

    Raises:
        ConfigError: it is no file of answers.
    """
    kept: dict[str, int] = {}
    partial = beside(path, ".part")
    try:
        with path.open("rb") as lines, partial.open("wb") as written:
            for number, line in enumerate(lines, start=1):
                if not line.endswith(b"\n") and _begins_as_ours(line):
                    break  # what a kill left
                if not line.strip():
                    continue
                answer = _answer_in(path, number, line)
                status = _status(answer)
                if status is None or may_pass(status) or answer["id"] in kept:
                    continue
                if asked.get(str(answer["custom_id"])) in (None, answer["id"]):
                    kept[answer["id"]] = status
                    written.write(line.rstrip(b"\n") + b"\n")
            written.flush()
            os.fsync(written.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return kept


def _begins_as_ours(line: bytes) -> bool:
    """Whether a line that a kill has cut is of an answer as `Answers.write` has it."""
    ours, begun = f'{{"id":"{ANSWER}'.encode(), line[:64].replace(b" ", b"")
    return begun.startswith(ours) or ours.startswith(begun)


def _answer_in(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        said = None
    answer: dict[str, Any] = said if isinstance(said, dict) else {}
    if not isinstance(answer.get("id"), str) or not answer.keys() >= {"custom_id", "response"}:
        raise ConfigError(
            f"{path}: line {number} is no answer of a batch: name another file, or remove it"
        )
    return answer


def _status(answer: Mapping[str, Any]) -> int | None:
    response = answer["response"]
    status = response.get("status_code") if isinstance(response, Mapping) else None
    return status if isinstance(status, int) else None
