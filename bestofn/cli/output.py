"""The encoding of what is printed: no character stops a command."""

from __future__ import annotations

import io
import os
import sys


def take_every_character() -> None:
    """Make standard output and error take whatever is printed.

    Files and programs get UTF-8, unless PYTHONIOENCODING says otherwise: what they read is JSON and
    names of files. A console gets its own encoding; what that lacks is shown as its escape, as is
    what is no text, in the name of a file.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            own = stream.isatty() or "PYTHONIOENCODING" in os.environ
            stream.reconfigure(encoding=None if own else "utf-8", errors="backslashreplace")
