"""Opening a verifier by name: a built-in one, or a function by its import path.

Example:
    open_verifier(VerifierSettings(check="math"))
    open_verifier(VerifierSettings(check="my_package.checks:is_polite", timeout=2))
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping

from bestofn.core.errors import ConfigError
from bestofn.rewards.verifiers.verifier import VerifierRewardModel
from bestofn.settings.verifier import VerifierSettings
from bestofn.support.import_path import imported

BUILT_IN: Mapping[str, str] = {
    "math": "bestofn.rewards.verifiers.math:math_verifier",
    "code": "bestofn.rewards.verifiers.code:code_verifier",
    "json_schema": "bestofn.rewards.verifiers.json_schema:json_schema_verifier",
}
"""Each is imported when it is asked for."""


def open_verifier(settings: VerifierSettings) -> VerifierRewardModel:
    """A reward model over what checks answers.

    `settings.check` is a key of `BUILT_IN`, or the import path of a function; see
    `VerifierRewardModel` for what that may return.

    Raises:
        ConfigError: there is no such check, it does not take an argument, or one is wrong.
    """
    check, options = settings.check, settings.options
    given = settings.model_dump(exclude={"check", "options"}, exclude_none=True)
    if ":" in check:
        return VerifierRewardModel(check, name=check, options=options, **given)
    if check not in BUILT_IN:
        raise ConfigError(
            f"no verifier is called {check!r}; there are {', '.join(BUILT_IN)}, and functions by "
            "their path, package.module:function"
        )
    opener = imported(BUILT_IN[check])
    arguments = {**(options or {}), **given}
    known = inspect.signature(opener).parameters
    if unknown := sorted(arguments.keys() - known.keys()):
        raise ConfigError(
            f"the {check} verifier does not take {', '.join(unknown)}; it takes {', '.join(known)}"
        )
    opened: VerifierRewardModel = opener(**arguments)
    return opened
