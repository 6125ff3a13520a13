"""What a generator may say of its models besides sampling from them: how long texts may be, and how
many models there are. Asked once, when a `Pipeline` is made."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class ContextLimit(Protocol):
    """What a generator says besides, where it knows how long texts may be.

    Attributes:
        context: tokens of a prompt and its completion together, at most; None: it is not known.
    """

    @property
    def context(self) -> int | None:
        """See the class."""
        ...


@runtime_checkable
class Mixed(Protocol):
    """What a generator says besides, where several models sample (`Candidate.generator`).

    Attributes:
        sources: how many; at temperature 0 the first so many candidates are one of each.
    """

    @property
    def sources(self) -> int:
        """See the class."""
        ...

    async def check_alive(self) -> None:
        """Return where at least one of them answers; no token is sampled.

        Raises:
            GeneratorError: none does.
        """
        ...
