"""Best-of-n decoding: sample N with vLLM, reject, score with a reward model, return the best.

The public names are loaded on first use, so that `import bestofn` loads neither torch nor vLLM.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bestofn.builders.pipeline import open_pipeline
    from bestofn.control.enough import Enough
    from bestofn.control.policy import Policy
    from bestofn.control.replace import ReplaceRejected
    from bestofn.control.waves import Waves
    from bestofn.core.best_of_n import best_of_n
    from bestofn.core.controller import Budget, Chain, Controller, Decision, Progress
    from bestofn.core.errors import (
        BestOfNError,
        ConfigError,
        DatasetError,
        ModelError,
        RequestError,
    )
    from bestofn.core.no_winner import (
        ControllerError,
        DeadlineError,
        GeneratorError,
        NothingAcceptableError,
        NoWinnerError,
        RewardError,
    )
    from bestofn.core.observer import Observer
    from bestofn.core.pipeline import Pipeline
    from bestofn.core.protocols import Filter, Forwarder, Generator, RewardModel, Sampling, Selector
    from bestofn.core.ranking import Ranking, ScoredCandidate, Selection
    from bestofn.core.types import Candidate, Failure, Rejection, Request, Score
    from bestofn.settings.settings import Settings

__version__ = "0.1.0"

__all__ = [
    "BestOfNError",
    "Budget",
    "Candidate",
    "Chain",
    "ConfigError",
    "Controller",
    "ControllerError",
    "DatasetError",
    "DeadlineError",
    "Decision",
    "Enough",
    "Failure",
    "Filter",
    "Forwarder",
    "Generator",
    "GeneratorError",
    "ModelError",
    "NoWinnerError",
    "NothingAcceptableError",
    "Observer",
    "Pipeline",
    "Policy",
    "Progress",
    "Ranking",
    "Rejection",
    "ReplaceRejected",
    "Request",
    "RequestError",
    "RewardError",
    "RewardModel",
    "Sampling",
    "Score",
    "ScoredCandidate",
    "Selection",
    "Selector",
    "Settings",
    "Waves",
    "best_of_n",
    "open_pipeline",
]

_HOMES = {
    "bestofn.builders.pipeline": ("open_pipeline",),
    "bestofn.control.enough": ("Enough",),
    "bestofn.control.policy": ("Policy",),
    "bestofn.control.replace": ("ReplaceRejected",),
    "bestofn.control.waves": ("Waves",),
    "bestofn.core.best_of_n": ("best_of_n",),
    "bestofn.core.controller": (
        "Budget",
        "Chain",
        "Controller",
        "Decision",
        "Progress",
    ),
    "bestofn.core.errors": (
        "BestOfNError",
        "ConfigError",
        "DatasetError",
        "ModelError",
        "RequestError",
    ),
    "bestofn.core.no_winner": (
        "ControllerError",
        "DeadlineError",
        "GeneratorError",
        "NoWinnerError",
        "NothingAcceptableError",
        "RewardError",
    ),
    "bestofn.core.observer": ("Observer",),
    "bestofn.core.pipeline": ("Pipeline",),
    "bestofn.core.protocols": (
        "Filter",
        "Forwarder",
        "Generator",
        "RewardModel",
        "Sampling",
        "Selector",
    ),
    "bestofn.core.ranking": (
        "Ranking",
        "ScoredCandidate",
        "Selection",
    ),
    "bestofn.core.types": (
        "Candidate",
        "Failure",
        "Rejection",
        "Request",
        "Score",
    ),
    "bestofn.settings.settings": ("Settings",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'bestofn' has no attribute {name!r}")
    from bestofn.support.import_path import imported

    return imported(f"{_HOME_OF[name]}:{name}")


def __dir__() -> list[str]:
    return sorted(__all__)
