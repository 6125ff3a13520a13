"""Flags of `bestofn sample` that are no settings: how rows are worked on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bestofn.core.errors import ConfigError

if TYPE_CHECKING:
    from bestofn.dataset.run.options import RunOptions
    from bestofn.settings.settings import Settings


def run_options(
    settings: Settings, in_flight: int | None, failures_in_a_row: int | None
) -> RunOptions:
    """How the run is worked on, from its flags."""
    from bestofn.dataset.run.options import RunOptions, rows_in_flight

    return RunOptions(
        in_flight or rows_in_flight(settings.best_of),
        failures_in_a_row or RunOptions().failures_in_a_row,
        settings.request_timeout_seconds,
    )


def refuse_exploring(explore: int | None) -> None:
    """Say what to do instead of `--explore`, which 0.1 had.

    Raises:
        ConfigError: it is given.
    """
    if explore is not None:
        raise ConfigError(
            f"--explore is gone, since it found worse answers than equal shares: give --stop "
            f"'evidence waves={max(1, explore)}', which stops a row once its answer is sure, and a "
            "larger --best-of for the rows that need it"
        )
