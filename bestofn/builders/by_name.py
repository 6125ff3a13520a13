"""Filters, selectors and answer keys made by name, from options as settings and requests hold them.

make("filter", FILTERS, "length", {"max_tokens": 200})
make("selector", SELECTORS, "weighted_vote", {"temperature": 0.5}, {"answer_key": key})
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from bestofn.core.errors import ConfigError
from bestofn.settings.section import NO_TRUTH, is_truth_as_number
from bestofn.support.error_text import faults
from bestofn.support.import_path import imported
from bestofn.support.nearest import did_you_mean


def make(
    kind: str,
    known: Mapping[str, str],
    name: str,
    options: Mapping[str, Any],
    handed: Mapping[str, Any] | None = None,
) -> Any:
    """Import and construct the `kind` called `name`, a dataclass whose fields are its options.

    Args:
        kind: what it is called in errors.
        known: import paths by name.
        name: which of them.
        options: as somebody wrote them; pydantic checks them against the fields' types.
        handed: values for the fields of these names, where it has them; no option may set them.

    Raises:
        ConfigError: an unknown name, or options that it does not take.
    """
    if name not in known:
        raise ConfigError(f"no {kind} is called {name!r}; there are {', '.join(sorted(known))}")
    factory = imported(known[name])
    fields = {each.name: each for each in dataclasses.fields(factory) if each.init}
    given = {each: value for each, value in (handed or {}).items() if each in fields}
    own = [each for each in fields if each not in given]
    types = typing.get_type_hints(factory)
    for option, value in options.items():
        if option not in own:
            meant = did_you_mean(option, own)
            raise ConfigError(f"{kind} {name}: there is no option {option}{meant}")
        if is_truth_as_number(value, types[option]):
            raise ConfigError(f"{kind} {name}: {option}: {NO_TRUTH}")
        try:
            given[option] = TypeAdapter(types[option]).validate_python(value)
        except ValidationError as error:
            raise ConfigError(f"{kind} {name}: {option}: {faults(error)[0].message}") from error
    if missing := [each for each in own if each not in given and _is_required(fields[each])]:
        raise ConfigError(f"{kind} {name}: {missing[0]} is required")
    return factory(**given)


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
