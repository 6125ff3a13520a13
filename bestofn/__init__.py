"""Best-of-n decoding: sample N with vLLM, reject, score with a reward model, return the best.

The public names are loaded on first use, so that `import bestofn` loads neither torch nor vLLM.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bestofn.builders.pipeline import open_pipeline
    from bestofn.control.policy import Policy
    from bestofn.core.best_of_n import best_of_n
    from bestofn.core.errors import BestOfNError, ConfigError, ModelError, RequestError
    from bestofn.core.no_winner import (
        DeadlineError,
        GeneratorError,
        NothingAcceptableError,
        RewardError,
    )
    from bestofn.core.pipeline import Pipeline
    from bestofn.core.protocols import Filter, Forwarder, Generator, RewardModel, Sampling, Selector
    from bestofn.core.ranking import Ranking, ScoredCandidate
    from bestofn.core.types import Candidate, Failure, Rejection, Request, Score
    from bestofn.settings.settings import Settings

__version__ = "0.1.0"

__all__ = [
    "BestOfNError",
    "Candidate",
    "ConfigError",
    "DeadlineError",
    "Failure",
    "Filter",
    "Forwarder",
    "Generator",
    "GeneratorError",
    "ModelError",
    "NothingAcceptableError",
    "Pipeline",
    "Policy",
    "Ranking",
    "Rejection",
    "Request",
    "RequestError",
    "RewardError",
    "RewardModel",
    "Sampling",
    "Score",
    "ScoredCandidate",
    "Selector",
    "Settings",
    "best_of_n",
    "open_pipeline",
]

_HOMES = {
    "bestofn.builders.pipeline": ("open_pipeline",),
    "bestofn.settings.settings": ("Settings",),
    "bestofn.control.policy": ("Policy",),
    "bestofn.core.errors": ("BestOfNError", "ConfigError", "ModelError", "RequestError"),
    "bestofn.core.no_winner": (
        "DeadlineError",
        "GeneratorError",
        "NothingAcceptableError",
        "RewardError",
    ),
    "bestofn.core.best_of_n": ("best_of_n",),
    "bestofn.core.pipeline": ("Pipeline",),
    "bestofn.core.protocols": (
        "Filter",
        "Forwarder",
        "Generator",
        "RewardModel",
        "Sampling",
        "Selector",
    ),
    "bestofn.core.ranking": ("Ranking", "ScoredCandidate"),
    "bestofn.core.types": ("Candidate", "Failure", "Rejection", "Request", "Score"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'bestofn' has no attribute {name!r}")
    from bestofn.support.import_path import imported

    return imported(f"{_HOME_OF[name]}:{name}")


def __dir__() -> list[str]:
    return sorted(__all__)
