"""Owns the errors. Each is picklable, and its text is one sentence for the person who reads it.

    BestOfNError
    ├── ConfigError               settings, arguments or input files are wrong
    │   └── ModelError            a model cannot be found, read or used for what it was named for
    ├── DatasetError              a run cannot go on: the disk, or too many failures in a row
    ├── RequestError              a request is out of range or does not fit the model's context
    ├── GeneratorError            the engine failed and no candidate came back
    ├── RewardError               the reward model failed and nothing could be ranked
    ├── NothingAcceptableError    every candidate was rejected or failed, and the policy is `error`
    └── DeadlineError             the deadline came before anything acceptable

The last four carry the `Ranking` of what was done
until then, so nothing is lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bestofn.core.ranking import Ranking


class BestOfNError(Exception):
    """The root: catch it to catch everything that bestofn raises on purpose."""


class ConfigError(BestOfNError):
    """Settings, arguments or an input file are wrong."""


class ModelError(ConfigError):
    """A model cannot be found, read, or used for what it was named for."""


class DatasetError(BestOfNError):
    """A run cannot go on; what was finished is kept."""


class RequestError(BestOfNError):
    """A request is out of range, contradicts itself, or does not fit the model's context."""


class UnrankedError(BestOfNError):
    """No winner; `ranking` holds every candidate with its rejections or its failure.

    Args:
        message: one sentence.
        ranking: what was done until then; None where nothing was sampled.
    """

    def __init__(self, message: str, ranking: Ranking | None = None) -> None:
        super().__init__(message, ranking)
        self.message = message
        self.ranking = ranking

    def __str__(self) -> str:
        return self.message


class GeneratorError(UnrankedError):
    """The engine failed and no candidate came back."""


class RewardError(UnrankedError):
    """The reward model failed and nothing could be ranked."""


class NothingAcceptableError(UnrankedError):
    """Every candidate was rejected or failed, and the policy allows no fallback."""


class DeadlineError(UnrankedError):
    """The policy's deadline came before anything acceptable had finished."""
