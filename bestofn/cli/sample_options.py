"""Flags of `bestofn sample` that are no settings: columns, and how rows are worked on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bestofn.core.errors import ConfigError

if TYPE_CHECKING:
    from bestofn.dataset.run.options import RunOptions
    from bestofn.settings.settings import Settings


def mapped_columns(given: Sequence[str]) -> dict[str, str]:
    """Where each field stands, from ``FIELD=COLUMN`` each.

    Raises:
        ConfigError: one of them is no mapping of a field that there is.
    """
    from bestofn.dataset.prompts.layouts import COLUMNS

    found = {}
    for each in given:
        name, sign, column = each.partition("=")
        if not sign or name not in COLUMNS or not column:
            raise ConfigError(
                f"--column {each} is not FIELD=COLUMN, with one of {', '.join(COLUMNS)}"
            )
        found[name] = column
    return found


def run_options(
    settings: Settings, in_flight: int | None, failures_in_a_row: int | None, explore: int | None
) -> RunOptions:
    """How the run is worked on, from its flags.

    Raises:
        ConfigError: they do not go together, or with `best_of`.
    """
    from bestofn.dataset.run.options import RunOptions, rows_in_flight

    best_of = settings.best_of
    if explore is not None and not 2 <= explore < best_of:
        raise ConfigError(
            f"--explore {explore}: it has to be at least 2, and less than --best-of ({best_of})"
        )
    return RunOptions(
        in_flight or rows_in_flight(best_of, explore),
        failures_in_a_row or RunOptions().failures_in_a_row,
        explore,
        settings.request_timeout_seconds,
    )
