"""Owns the custom filter: any Python callable, named by its import path."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from bestofn.errors import ConfigError
from bestofn.types import Candidate, Rejection, Request

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
        object.__setattr__(self, "_function", _load(self.path))

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


def _load(path: str) -> Callable[[Request, Candidate], Verdict]:
    module_name, colon, attributes = path.partition(":")
    if not (module_name and colon and attributes) or module_name.startswith("."):
        raise ConfigError(f"custom filter: {path!r} is not of the form package.module:function")
    try:
        found: object = importlib.import_module(module_name)
    except ImportError as error:
        raise ConfigError(
            f"custom filter: {module_name} cannot be imported: {error} (is its folder installed, "
            "or on PYTHONPATH?)"
        ) from error
    for attribute in attributes.split("."):
        if not hasattr(found, attribute):
            raise ConfigError(f"custom filter: {module_name} has no {attributes}")
        found = getattr(found, attribute)
    if not callable(found):
        raise ConfigError(f"custom filter: {path} is not callable")
    return cast("Callable[[Request, Candidate], Verdict]", found)
