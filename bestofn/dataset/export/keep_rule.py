"""Rejection sampling's choice: which candidates of a row are kept, by rank, margin or z-score.

Rewards of different prompts do not compare, so an absolute threshold is there only for those who
ask for it.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bestofn.core.errors import ConfigError
from bestofn.dataset.store.records import CandidateRecord, Record
from bestofn.settings.choices import Keep


@dataclass(frozen=True, slots=True)
class KeepRule:
    """What is kept.

    Args:
        keep: best: the first rank. top-k: the first k. above: a reward of at least the threshold.
            margin: the first rank, where its reward is at least so much above the mean of the
            prompt's. zscore: at least so many standard deviations above that mean.
        value: of top-k (2), above, margin (0) and zscore (1); None: as given here.
        min_confidence: of the selector in the prompt's winner, 0 to 1: nothing is kept of a prompt
            below it, or whose confidence is not known. None: of every prompt something may be.

    Raises:
        ConfigError: the value is missing, or makes no sense.
    """

    keep: Keep = "best"
    value: float | None = None
    min_confidence: float | None = None

    def __post_init__(self) -> None:
        if self.keep == "above" and self.value is None:
            raise ConfigError("above needs a threshold: rewards have no scale of their own")
        if self.keep == "best" and self.value is not None:
            raise ConfigError("best takes no value")
        if not math.isfinite(self._value):
            raise ConfigError(f"{self.keep} takes a number, not {self._value:g}")
        if self.keep == "top-k" and (self._value < 1 or self._value != int(self._value)):
            raise ConfigError(f"top-k takes a whole number from 1 on, not {self._value:g}")
        if self.min_confidence is not None and not 0 <= self.min_confidence <= 1:
            raise ConfigError(f"min_confidence is {self.min_confidence}; it must be 0 to 1")

    @property
    def described(self) -> str:
        """The rule, for a reader."""
        said = self.keep if self.value is None else f"{self.keep} {self.value:g}"
        sure = self.min_confidence
        return (
            said if sure is None else f"{said}, of prompts with a confidence of at least {sure:g}"
        )

    @property
    def needs_rewards(self) -> bool:
        """Whether the rule is about rewards, and not about the order alone."""
        return self.keep in ("above", "margin", "zscore")

    @property
    def _value(self) -> float:
        usual = {"top-k": 2.0, "margin": 0.0, "zscore": 1.0}
        return usual.get(self.keep, 0.0) if self.value is None else self.value

    def takes(self, record: Record) -> bool:
        """Whether the confidence in its winner lets anything of a row be kept."""
        if self.min_confidence is None:
            return True
        confidence = record["confidence"]
        return confidence is not None and confidence >= self.min_confidence

    def kept(self, ranked: Sequence[CandidateRecord]) -> list[CandidateRecord]:
        """Those of a row's ranked candidates that are kept, best first, no text twice.

        Args:
            ranked: see `bestofn.dataset.store.records.ranked_candidates`.

        Raises:
            ConfigError: they have no rewards, and the rule is about these.
        """
        if not ranked:
            return []
        if ranked[0]["reward"] is None and self.needs_rewards:
            raise ConfigError(f"{self.keep} needs rewards, and nothing was scored in this run")
        return distinct(self._chosen(ranked))

    def _chosen(self, ranked: Sequence[CandidateRecord]) -> Sequence[CandidateRecord]:
        if self.keep == "best":
            return ranked[:1]
        if self.keep == "top-k":
            return distinct(ranked)[: int(self._value)]
        if self.keep == "above":
            return [each for each in ranked if each["reward"] >= self._value]
        rewards = [each["reward"] for each in ranked]
        mean = statistics.fmean(rewards)
        if self.keep == "margin":
            return ranked[:1] if rewards[0] - mean >= self._value else []
        spread = statistics.pstdev(rewards)
        if not spread:
            return []
        return [each for each in ranked if (each["reward"] - mean) / spread >= self._value]


def distinct(candidates: Sequence[CandidateRecord]) -> list[CandidateRecord]:
    """The candidates in the order given, of those that read the same the first."""
    seen: dict[tuple[Any, Any], CandidateRecord] = {}
    for each in candidates:
        seen.setdefault((each["text"], each["message"]), each)
    return list(seen.values())
