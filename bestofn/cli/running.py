"""How a command runs and ends: Ctrl-C, SIGTERM, and an exit code for whatever bestofn raises."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import sys
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import typer

from bestofn.core.errors import BestOfNError, ConfigError, RequestError, UnreadableError
from bestofn.core.no_winner import NothingAcceptableError

_CONSOLE_IS_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""What a write to standard output meets where that is a file; one without a name of its own."""

LoopFactory = Callable[[], asyncio.AbstractEventLoop] | None


def run_to_end(command: Coroutine[Any, Any, None], loop_factory: LoopFactory = None) -> None:
    """Run a command to its end, or until Ctrl-C or SIGTERM."""
    from bestofn.cli.interrupt import ending_on_interrupt
    from bestofn.support.open_files import raise_open_files

    raise_open_files()  # 256 requests in flight to an upstream need as many, and 256 may be all
    with (
        contextlib.closing(command),  # an interrupt may come before it has begun
        ending_on_interrupt(),
        asyncio.Runner(loop_factory=loop_factory) as runner,
    ):
        runner.get_loop().set_exception_handler(_unless_interrupted)
        runner.run(command)


def _unless_interrupted(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what nobody awaited, as asyncio does, but not the interrupt: it went through whatever
    task ran at that moment, and is told once, when the command has ended."""
    if not isinstance(context.get("exception"), KeyboardInterrupt):
        loop.default_exception_handler(context)


_NO_HOME = "Could not determine home directory."
"""What `Path.expanduser` says of a user who is not there."""


@contextlib.contextmanager
def exit_codes() -> Iterator[None]:
    """Turn what bestofn raises into one sentence on standard error and an exit code."""
    try:
        yield
    except BestOfNError as error:
        for line in [f"bestofn: {error}", *getattr(error, "__notes__", [])]:
            _say(line)
        if isinstance(error, NothingAcceptableError):
            raise typer.Exit(3) from error
        if isinstance(error, UnreadableError):
            raise typer.Exit(4) from error
        raise typer.Exit(2 if isinstance(error, ConfigError | RequestError) else 1) from error
    except KeyboardInterrupt as error:
        from bestofn.cli.interrupt import ended_by

        code, word = ended_by(error)
        _say(f"bestofn: {word}")
        raise typer.Exit(code) from error
    except BrokenPipeError:  # the reader of our output has gone (`| head`)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except RuntimeError as error:
        if str(error) != _NO_HOME:
            raise
        _say("bestofn: a path begins with ~ and a user who has no home here")
        raise typer.Exit(2) from error
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            from bestofn.support.error_text import shortened

            name = shortened(str(error.filename or ""), 80)
            _say(f"bestofn: {name}: the name is too long for a file")
            raise typer.Exit(2) from error
        if isinstance(error, PermissionError) and error.filename is not None:
            _say(f"bestofn: {error.filename}: {error.strerror}")
            raise typer.Exit(2) from error
        if error.errno not in _CONSOLE_IS_FULL or error.filename is not None:
            raise
        _say(f"bestofn: standard output cannot be written: {error.strerror}")
        raise typer.Exit(1) from error


def _say(line: str) -> None:
    """Write a line to standard error, if anybody reads it: Ctrl-C ends a `tee` behind it too."""
    try:
        typer.echo(line, err=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
