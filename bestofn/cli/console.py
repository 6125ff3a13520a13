"""Where output goes: rankings to standard output, the engines' own noise to a file."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any, TextIO

from rich.console import Console

from bestofn.cli.json_lines import ranking_json
from bestofn.cli.tables import ranking_view
from bestofn.cli.tally_table import tally_view
from bestofn.core.errors import RequestError
from bestofn.core.no_winner import NothingAcceptableError
from bestofn.core.ranking import Ranking
from bestofn.dataset.cleaning.tally import Tally

QUIET = {
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_LOGGING_STREAM": "ext://sys.stderr",
    "VLLM_NO_USAGE_STATS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
"""Variables by which the engines leave standard output to the result."""

_NOT_THE_ENGINES_FAULT = (RequestError, NothingAcceptableError)

_ERROR_LINE = re.compile(r"\b[A-Za-z_.]*(?:Error|Exception): .+")
"""How Python ends a traceback."""


def print_line(values: Mapping[str, Any], *, file: TextIO | None = None) -> None:
    """One JSON line, flushed at once; what JSON does not have, as the date in a table's `id`, is
    text in it. Without a file it goes to standard output."""
    print(json.dumps(values, ensure_ascii=False, default=str), flush=True, file=file)


def print_ranking(
    ranking: Ranking, *, as_json: bool, place: Mapping[str, Any] | None = None
) -> None:
    """One JSON line, or the table and the winner; flushed at once.

    Args:
        ranking: what is printed.
        as_json: whether it is JSON.
        place: which row of an input it is of, printed before it as JSON.
    """
    if as_json:
        print_line({**(place or {}), **ranking_json(ranking)})
    else:
        Console().print(ranking_view(ranking))


def print_tally(tally: Tally, *, as_json: bool, beside: bool = False) -> None:
    """One JSON line, or the table of reasons with their examples.

    Args:
        tally: what is printed.
        as_json: whether it is JSON.
        beside: on standard error, since records stand on standard output.
    """
    if as_json:
        print_line(tally.as_json(), file=sys.stderr if beside else None)
    else:
        Console(stderr=beside).print(tally_view(tally))


def set_quiet() -> None:
    """Set `QUIET` where it is unset: to be called before the engines are imported."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)


@contextlib.contextmanager
def quiet_engines(verbose: bool) -> Iterator[Console]:
    """Send what engines and their processes write to standard error into a file without a name.

    Yields a console on the real standard error. Where an engine may be at fault and wrote a word,
    the exception gets notes with the first error of it, which is the root cause where an engine
    process died, and with the path of a file that keeps all of it.

    Args:
        verbose: leave standard error alone.
    """
    if verbose:
        os.environ.setdefault("VLLM_LOGGING_STREAM", QUIET["VLLM_LOGGING_STREAM"])
        yield Console(stderr=True)
        return
    set_quiet()
    sys.stderr.flush()
    real = os.dup(2)
    try:
        with (
            tempfile.TemporaryFile() as log,
            # What is no text, in the name of a file, is shown as its escape.
            os.fdopen(os.dup(real), "w", encoding="utf-8", errors="backslashreplace") as out,
        ):
            os.dup2(log.fileno(), 2)
            try:
                yield Console(file=out)
            except _NOT_THE_ENGINES_FAULT:
                raise
            except Exception as error:
                _note(error, _written(log.fileno()))
                raise
    finally:
        sys.stderr.flush()
        os.dup2(real, 2)
        os.close(real)


def _written(log: int) -> bytes:
    """What is in a file; engine processes still write at its one position, which stays."""
    size = os.fstat(log).st_size
    if hasattr(os, "pread"):
        return os.pread(log, size, 0)
    os.lseek(log, 0, os.SEEK_SET)  # Windows, where no engine has processes
    return os.read(log, size)


def _note(error: Exception, log: bytes) -> None:
    """Tell `error` what the engines wrote."""
    if cause := _ERROR_LINE.search(log.decode("utf-8", errors="replace")):
        error.add_note(f"first error in the log: {cause[0]}")
    if log:
        descriptor, path = tempfile.mkstemp(prefix="bestofn-", suffix=".log")
        with os.fdopen(descriptor, "wb") as kept:
            kept.write(log)
        error.add_note(f"what the engine wrote: {path}")
