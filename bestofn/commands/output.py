"""Owns where output goes: rankings to standard output, the engines' own noise to a file."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from bestofn.commands.rows import ranking_row
from bestofn.commands.tables import ranking_view
from bestofn.errors import NothingAcceptableError, RequestError
from bestofn.ranking import Ranking

QUIET = {
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_LOGGING_STREAM": "ext://sys.stderr",
    "VLLM_NO_USAGE_STATS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
"""Set, where unset, before the engines are imported: standard output belongs to the result."""


_NOT_THE_ENGINES_FAULT = (RequestError, NothingAcceptableError)

_ERROR_LINE = re.compile(r"\b[A-Za-z_.]*(?:Error|Exception): .+")
"""How Python ends a traceback."""


def print_ranking(ranking: Ranking, *, as_json: bool) -> None:
    """One JSON line, or the table and the winner; flushed at once."""
    if as_json:
        print(json.dumps(ranking_row(ranking), ensure_ascii=False), flush=True)
    else:
        Console().print(ranking_view(ranking))


@contextlib.contextmanager
def quiet_engines(verbose: bool) -> Iterator[Console]:
    """Send what engines and their processes write to standard error into a file.

    Yields a console on the real standard error. The file is removed at the end, unless an engine
    may be at fault and it holds a word: then the exception gets notes with the first error in it,
    which is the root cause where an engine process died, and with its path.

    Args:
        verbose: leave standard error alone.
    """
    if verbose:
        os.environ.setdefault("VLLM_LOGGING_STREAM", QUIET["VLLM_LOGGING_STREAM"])
        yield Console(stderr=True)
        return
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    sys.stderr.flush()
    real = os.dup(2)
    descriptor, path = tempfile.mkstemp(prefix="bestofn-", suffix=".log")
    os.dup2(descriptor, 2)
    os.close(descriptor)
    keep = False
    try:
        with os.fdopen(os.dup(real), "w", encoding="utf-8") as stream:
            yield Console(file=stream)
    except _NOT_THE_ENGINES_FAULT:
        raise
    except Exception as error:
        written = Path(path).read_text(encoding="utf-8", errors="replace")
        keep = bool(written)
        if cause := _ERROR_LINE.search(written):
            error.add_note(f"first error in the log: {cause[0]}")
        if keep:
            error.add_note(f"what the engine wrote: {path}")
        raise
    finally:
        sys.stderr.flush()
        os.dup2(real, 2)
        os.close(real)
        if not keep:
            Path(path).unlink()
