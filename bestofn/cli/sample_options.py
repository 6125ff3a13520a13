"""Flags of `bestofn sample` that are no settings: how rows are worked on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bestofn.core.errors import ConfigError

if TYPE_CHECKING:
    from bestofn.dataset.run.options import RunOptions
    from bestofn.settings.settings import Settings


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
