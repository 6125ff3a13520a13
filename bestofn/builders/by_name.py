"""Filters, selectors and answer keys made by name, from options as settings and requests hold them.

make("filter", FILTERS, "length", {"max_tokens": 200})
make_checked("selector", SELECTORS, "weighted_vote", {"temperature": 0.5}, {"answer_key": key})
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from bestofn.core.errors import ConfigError
from bestofn.support.error_text import faults
from bestofn.support.import_path import imported


def make(kind: str, known: Mapping[str, str], name: str, options: Mapping[str, Any]) -> Any:
    """Import and construct the `kind` called `name`.

    Raises:
        ConfigError: an unknown name, or options that it does not take.
    """
    if name not in known:
        raise ConfigError(f"no {kind} is called {name!r}; there are {', '.join(sorted(known))}")
    factory: Callable[..., Any] = imported(known[name])
    try:
        return factory(**options)
    except (TypeError, AttributeError) as error:  # an unknown option, or one of a wrong type
        what = str(error).replace(f"{factory.__name__}.__init__() ", "")
        raise ConfigError(f"{kind} {name}: {what}") from error


def make_checked(
    kind: str,
    known: Mapping[str, str],
    name: str,
    options: Mapping[str, Any],
    handed: Mapping[str, Any] | None = None,
) -> Any:
    """As `make`, of dataclasses: pydantic checks the options against their fields.

    Args:
        kind: what it is called in errors.
        known: import paths by name.
        name: which of them.
        options: as somebody wrote them.
        handed: values for the fields of these names, where it has them; no option may set them.

    Raises:
        ConfigError: as `make`.
    """
    if name not in known:
        return make(kind, known, name, options)  # which says what there is
    factory = imported(known[name])
    fields = {each.name for each in dataclasses.fields(factory) if each.init}
    handed = {each: value for each, value in (handed or {}).items() if each in fields}
    types, given = typing.get_type_hints(factory), dict(handed)
    for option, value in options.items():
        if option not in fields or option in handed:
            raise ConfigError(f"{kind} {name}: there is no option {option}")
        try:
            given[option] = TypeAdapter(types[option]).validate_python(value)
        except ValidationError as error:
            raise ConfigError(f"{kind} {name}: {option}: {faults(error)[0].message}") from error
    return make(kind, known, name, given)
