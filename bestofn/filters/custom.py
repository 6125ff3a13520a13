"""A filter that is any Python callable, named by its import path (``package.module:function``)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bestofn.core.types import Candidate, Rejection, Request
from bestofn.support.import_path import load_function

Verdict = Rejection | str | bool | None
"""What the callable may return: a rejection as it is; a detail (reason ``rejected``); True to
keep, False to reject; None to keep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomFilter:
    """Rejects what a callable ``(request, candidate) -> Verdict`` rejects.

    Reasons: ``rejected``, or that of the `Rejection` it returns.

    Args:
        path: where it is: ``package.module:function``; the function may be dotted
            (``module:Class.method``).
        label: the filter's name, to tell several apart; None: ``custom``.

    Raises:
        ConfigError: nothing callable can be imported from the path.
        Exception: whatever the module raises while it is imported, ImportError apart.
    """

    path: str
    label: str | None = None
    _function: Callable[[Request, Candidate], Verdict] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "_function", load_function(self.path, "custom filter"))

    @property
    def name(self) -> str:
        """The filter's name: the label, or "custom"."""
        return self.label or "custom"

    def check(self, request: Request, candidate: Candidate) -> Rejection | None:
        """What the callable says.

        Raises:
            TypeError: it returns something else than a `Verdict`.
            Exception: whatever the callable raises.
        """
        verdict = self._function(request, candidate)
        if verdict is None or verdict is True or isinstance(verdict, Rejection):
            return verdict if isinstance(verdict, Rejection) else None
        if verdict is False:
            return Rejection(self.name, "rejected", f"{self.path} rejected it")
        if isinstance(verdict, str):
            return Rejection(self.name, "rejected", verdict)
        raise TypeError(
            f"{self.path} returned {type(verdict).__name__}; "
            "it has to be None, a Rejection, a str or a bool"
        )
