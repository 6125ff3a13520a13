"""The environment of processes that are started inside: variables for them, taken back after."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping


@contextlib.contextmanager
def environment_of(defaults: Mapping[str, str]) -> Iterator[None]:
    """Set variables that are unset, for the processes started inside, and take them back."""
    added = {name: value for name, value in defaults.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]
