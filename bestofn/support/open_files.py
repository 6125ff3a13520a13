"""How many files, connections among them, this process may have open."""

from __future__ import annotations

import contextlib
import errno

MOST = 65_536
"""What is asked for: more than any setting here needs by default, and what servers of models ask
for (vLLM 65,535)."""

_MACOS = 10_240
"""What macOS gives a process where its hard limit says that there is none (its OPEN_MAX)."""

_LONGEST_CHAIN = 32
"""Errors, each the cause of the one before, that are looked at: a chain may lead in a circle."""

_TOO_MANY = frozenset({errno.EMFILE, errno.ENFILE})


def raise_open_files(needed: int = MOST) -> int | None:
    """Raise this process's limit of open files (`ulimit -n`), often 1,024 or 256, to `MOST`, or to
    what is needed where that is more, as far as the system lets everybody.

    Returns:
        The limit; None: there is none, or it is not known here (Windows).
    """
    try:
        import resource
    except ImportError:
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (max(MOST, needed), _MACOS):
        if hard != resource.RLIM_INFINITY:
            wanted = min(hard, wanted)
        if soft == resource.RLIM_INFINITY or soft >= wanted:
            break
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    return None if soft == resource.RLIM_INFINITY else soft


def out_of_files(error: BaseException) -> bool:
    """Whether that limit, or the system's, is what `error` comes from."""
    seen: BaseException | None = error
    for _ in range(_LONGEST_CHAIN):
        if isinstance(seen, OSError) and seen.errno in _TOO_MANY:
            return True
        seen = seen and (seen.__cause__ or seen.__context__)
    return False
