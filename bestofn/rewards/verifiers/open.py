"""Owns opening a verifier by name: a built-in one, or a function by its import path."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from bestofn.core.errors import ConfigError
from bestofn.rewards.verifiers.verifier import VerifierRewardModel
from bestofn.support.import_path import imported

BUILT_IN: Mapping[str, str] = {
    "math": "bestofn.rewards.verifiers.math:math_verifier",
    "code": "bestofn.rewards.verifiers.code:code_verifier",
    "json_schema": "bestofn.rewards.verifiers.json_schema:json_schema_verifier",
}
"""Each is imported when it is asked for."""


def verifier(
    check: str,
    *,
    options: dict[str, Any] | None = None,
    timeout: float | None = None,
    concurrency: int | None = None,
    memory_mb: int | None = None,
    needs_reference: bool | None = None,
) -> VerifierRewardModel:
    """A reward model over what checks answers.

    Args:
        check: a key of `BUILT_IN`, or the import path of a function of request and candidate,
            ``package.module:function``; see `VerifierRewardModel` for what it may return.
        options: further arguments: of the built-in one, or of the function.
        timeout: seconds for one candidate (``code``: for one test); None: as it is by default.
        concurrency: candidates at once; None: one for each CPU, 8 at most.
        memory_mb: of address space for one worker or program; None: as it is by default.
        needs_reference: of a function: whether a request without a reference fails unchecked.

    Raises:
        ConfigError: there is no such check, it does not take an argument, or one is wrong.
    """
    given = {
        "timeout": timeout,
        "concurrency": concurrency,
        "memory_mb": memory_mb,
        "needs_reference": needs_reference,
    }
    named: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if ":" in check:
        return VerifierRewardModel(check, name=check, options=options, **named)
    if check not in BUILT_IN:
        raise ConfigError(
            f"no verifier is called {check!r}; there are {', '.join(BUILT_IN)}, and functions by "
            "their path, package.module:function"
        )
    opener = imported(BUILT_IN[check])
    arguments = {**(options or {}), **named}
    known = inspect.signature(opener).parameters
    if unknown := sorted(arguments.keys() - known.keys()):
        raise ConfigError(
            f"the {check} verifier does not take {', '.join(unknown)}; it takes {', '.join(known)}"
        )
    opened: VerifierRewardModel = opener(**arguments)
    return opened
