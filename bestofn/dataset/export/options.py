"""Options of an export: which candidates are good, and what a pair is."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from bestofn.core.errors import ConfigError
from bestofn.dataset.export.keep_rule import KeepRule


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What an export keeps.

    Args:
        rule: which candidates are good.
        min_margin: of a pair: the better one's reward is more than the other's by at least this,
            and more in any case.
        seed: of the random baseline.

    Raises:
        ConfigError: the margin is no number, or without end.
    """

    rule: KeepRule = field(default_factory=KeepRule)
    min_margin: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not math.isfinite(self.min_margin):
            raise ConfigError(f"min_margin is {self.min_margin}; it must be a number")
