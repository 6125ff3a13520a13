"""What controllers and filters say besides, where they can do something with a candidate that has
not finished: `ReadsSnapshots`, `StopsEarly`, `Foreseeing`. Asked once, when a `Pipeline` is made.

    generator (`Snapshotting`) ─► snapshots ─► `bestofn.core.snapshots` ─► Running ─► Controller
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class ReadsSnapshots(Protocol):
    """What a controller says besides, where it decides by candidates that are not finished: they
    are sent only to who asks.

    Attributes:
        snapshot_tokens: after how many tokens of a candidate it wants another; None: it wants none.
    """

    @property
    def snapshot_tokens(self) -> int | None:
        """See the class."""
        ...


@runtime_checkable
class StopsEarly(Protocol):
    """What a policy says besides, where it may stop candidates because of what others came to.

    Attributes:
        stops_early: whether it may: then each candidate is wanted the moment it finishes.
    """

    @property
    def stops_early(self) -> bool:
        """See the class."""
        ...


@runtime_checkable
class Foreseeing(Protocol):
    """What a filter says besides, where it can tell from an unfinished candidate (finish_reason
    None) what will become of it.

    Attributes:
        foresees: True: a certain rejection of a snapshot is one of the finished candidate, too,
            whatever follows.
    """

    @property
    def foresees(self) -> bool:
        """See the class."""
        ...
