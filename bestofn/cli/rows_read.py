"""How a command ends that reads rows one by one and names those that it cannot read."""

from __future__ import annotations

from bestofn.core.errors import ConfigError, UnreadableError


def check_read(source: str, rows: int, broken: int) -> None:
    """See that all rows of an input were read; each that was not has been told by itself.

    Args:
        source: what was read.
        rows: that it has.
        broken: how many of them could not be read.

    Raises:
        UnreadableError: none could, as where `sample` reads nothing.
        ConfigError: some could not, or there are none.
    """
    if not rows:
        raise ConfigError(f"{source}: no rows")
    if broken == rows:
        raise UnreadableError(f"{source}: none of {rows} rows can be read")
    if broken:
        raise ConfigError(f"{source}: {broken} of {rows} rows cannot be read")
