"""Where a path leads."""

from __future__ import annotations

import os
from pathlib import Path

from bestofn.core.errors import ConfigError


def place_of(path: Path) -> Path:
    """The absolute path of what `path` names, its links followed; it need not be there.

    Raises:
        ConfigError: its links lead in a circle.
    """
    place = Path(os.path.realpath(path))  # `Path.resolve` raises a RuntimeError up to Python 3.12
    if place.is_symlink():
        raise ConfigError(f"{path}: its links lead in a circle")
    return place
