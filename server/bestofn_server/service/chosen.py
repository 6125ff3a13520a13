"""What a request may choose for itself: filters, a selector, an answer key.

Those that run code, or expressions without a bound on their time, only the operator sets up.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Sequence

from bestofn.builders.choosing import build_answer_key, build_selector
from bestofn.builders.pipeline import build_filters
from bestofn.core.errors import ConfigError, RequestError
from bestofn.core.protocols import Filter, Selector
from bestofn.settings.sections import FilterSpec
from bestofn_server.service.presets import Preset
from bestofn_server.wire.requests import BestOfNOptions

OPEN_FILTERS = frozenset(
    {"control_characters", "echo", "empty", "language", "length", "repetition", "script"}
    | {"template_token", "tool_calls", "truncation"}
)
"""Filters that a request may set up. The others run code, or expressions without a bound on their
time, so a request may only name those that the operator has set up."""

OPEN_ANSWER_KEYS = frozenset({"auto", "choice", "code", "json", "number", "text", "tool_calls"})
"""Answer keys that a request may set up, for the same reason."""


@contextlib.contextmanager
def said_of(field: str) -> Iterator[None]:
    """Give what is wrong with a choice the name of the field that makes it.

    Raises:
        RequestError: something is; it says what.
    """
    try:
        yield
    except (ConfigError, RequestError) as error:
        named = error.param if isinstance(error, RequestError) else None
        raise RequestError(str(error), param=named or field) from error


def chosen_selector(options: BestOfNOptions, preset: Preset) -> Selector:
    """The selector that a request asks for; what it does not say is as in the preset.

    Raises:
        RequestError: an answer key that only the operator may set up; an unknown name or option.
    """
    key = options.answer_key or preset.answer_key
    if key.name not in OPEN_ANSWER_KEYS and key != preset.answer_key:
        raise RequestError(
            f"a request cannot set up the answer key {key.name}; it can set up "
            f"{', '.join(sorted(OPEN_ANSWER_KEYS))}",
            param="bestofn.answer_key",
        )
    with said_of("bestofn.answer_key"):
        made = build_answer_key(key)
    with said_of("bestofn.selector"):
        return build_selector(options.selector or preset.selector, made)


def chosen_filters(specs: Sequence[FilterSpec], preset: Preset) -> list[Filter]:
    """The filters that a request asks for.

    Raises:
        RequestError: one that only the operator may set up.
        ConfigError: an unknown option.
    """
    made: list[Filter] = []
    for spec in specs:
        found = [each for each in preset.pipeline.filters if each.name == spec.name]
        if spec.name in OPEN_FILTERS and (spec.options or not found):
            made.append(_built(spec.model_dump_json()))
            continue
        if not found or spec.options:
            raise RequestError(
                f"a request cannot set up the filter {spec.name}; it can set up "
                f"{', '.join(sorted(OPEN_FILTERS))}, and name what the server has set up"
            )
        made += found
    return made


@functools.lru_cache(maxsize=64)
def _built(spec: str) -> Filter:
    """A filter holds no state of a request, and some take long to make: made once."""
    (made,) = build_filters([FilterSpec.model_validate_json(spec)])
    return made
