"""Ensembles: the rewards of several reward models become one, and each stays in the result.

The combinations are those of Coste et al. 2023, "Reward Model Ensembles Help Mitigate
Overoptimization" (arXiv 2310.02743, section 3.2): the mean, the worst case, and the mean less a
penalty on disagreement. They subtract the variance; here it is the standard deviation, which has
the unit of the rewards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bestofn.core.errors import ConfigError
from bestofn.core.no_winner import RewardError
from bestofn.core.protocols import Comparing, Noting, Refusing, RewardModel
from bestofn.core.types import Candidate, Failure, Request, Score
from bestofn.settings.choices import Combine, Normalise
from bestofn.support.concurrency import gather_or_cancel

PENALTY = 1.0
"""Standard deviations that `mean_minus_std` subtracts, where nothing else is said."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Member:
    """One of an ensemble.

    Args:
        name: of its part in `Score.components`.
        reward_model: what scores; it is not closed.
        weight: of its reward in means; above 0.
    """

    name: str
    reward_model: RewardModel
    weight: float = 1.0


class EnsembleRewardModel:
    """Several reward models as one. They score at the same time.

    `Score.components` holds every member's raw reward under its name, and its own components as
    ``name.part``. A candidate that one member cannot score has no reward: the failure names the
    member. `Score.tokens` is the sum, `Score.cut` the most that one of them was not shown.

    Args:
        members: two or more, with different names.
        combine: ``mean``: weighted. ``worst``: the least. ``mean_minus_std``: the weighted mean
            less `penalty` times the weighted standard deviation over the members.
        normalise: of each member's rewards within the prompt, before that. ``zscore``: less their
            mean, over their standard deviation (0 where all are equal). ``rank``: 0 for the worst
            to 1 for the best; equal rewards have the mean of their places, and a single one has
            0.5. ``none``: as they are, for members of one scale.
        penalty: for mean_minus_std; None: 1.

    Attributes:
        compares: whether candidates have to be scored together; see
            `bestofn.core.protocols.Comparing`.

    Raises:
        ConfigError: fewer than two members, a name twice, or an argument without effect.
    """

    def __init__(
        self,
        members: Sequence[Member],
        *,
        combine: Combine = "mean",
        normalise: Normalise = "zscore",
        penalty: float | None = None,
    ) -> None:
        if len(members) < 2:
            raise ConfigError(f"an ensemble needs two reward models or more, not {len(members)}")
        twice = [name for name, n in Counter(m.name for m in members).items() if n > 1]
        if twice:
            raise ConfigError(f"several reward models are called {twice[0]}: give each a name")
        weights = np.array([member.weight for member in members], dtype=np.float64)
        if not (np.isfinite(weights).all() and (weights > 0).all()):
            raise ConfigError(f"weights are {weights.tolist()}; each must be above 0")
        if combine == "worst" and len({*weights.tolist()}) > 1:
            raise ConfigError("the worst reward counts alone, so weights have no effect on it")
        if penalty is not None and combine != "mean_minus_std":
            raise ConfigError(f"penalty is for mean_minus_std, and combine is {combine}")
        if penalty is not None and not penalty >= 0:
            raise ConfigError(f"penalty is {penalty}; it must be 0 or more")
        self._members = members
        self._weights = weights / weights.sum()
        self._combine = combine
        self._normalise = _NORMALISE[normalise]
        self._penalty = PENALTY if penalty is None else penalty
        self.compares = normalise != "none" or any(
            isinstance(m.reward_model, Comparing) and m.reward_model.compares for m in members
        )

    async def refusal(self, request: Request) -> str | None:
        """What the first member that refuses says, naming it; see
        `bestofn.core.protocols.Refusing`."""
        for member in self._members:
            if isinstance(member.reward_model, Refusing) and (
                why := await member.reward_model.refusal(request)
            ):
                return f"{member.name}: {why}"
        return None

    def notes_on(self, request: Request) -> Sequence[str]:
        """What members say, each sentence once; see `bestofn.core.protocols.Noting`."""
        said = (
            sentence
            for member in self._members
            if isinstance(member.reward_model, Noting)
            for sentence in member.reward_model.notes_on(request)
        )
        return tuple(dict.fromkeys(said))

    async def score(self, request: Request, candidates: Sequence[Candidate]) -> list[Score]:
        """One `Score` per candidate, in the order given; see `bestofn.core.protocols.RewardModel`.

        Candidates that a member fails on do not count in the others' normalisation.

        Raises:
            RewardError: a member failed for all of them.
        """
        columns = await gather_or_cancel(
            _scores(member, request, candidates) for member in self._members
        )
        rows = [
            dict(zip((m.name for m in self._members), row, strict=True))
            for row in zip(*columns, strict=True)
        ]
        failures = [_failure(row) for row in rows]
        whole = [i for i, failure in enumerate(failures) if failure is None]
        raw = np.array([[row.reward for row in rows[i].values()] for i in whole], dtype=np.float64)
        rewards = iter(self._combined(raw).tolist() if whole else [])
        return [
            Score(
                None if failure else next(rewards),
                tokens=sum(score.tokens for score in row.values()),
                failure=failure,
                components=_components(row),
                cut=max(score.cut for score in row.values()),
            )
            for row, failure in zip(rows, failures, strict=True)
        ]

    def _combined(self, raw: Array) -> Array:
        """(candidates, members) to (candidates,)."""
        each = np.stack([self._normalise(column) for column in raw.T], axis=1)
        if self._combine == "worst":
            worst: Array = each.min(axis=1)
            return worst
        mean: Array = each @ self._weights
        if self._combine == "mean":
            return mean
        spread: Array = np.sqrt((each - mean[:, None]) ** 2 @ self._weights)
        return mean - self._penalty * spread


async def _scores(member: Member, request: Request, candidates: Sequence[Candidate]) -> list[Score]:
    try:
        scores = await member.reward_model.score(request, candidates)
    except RewardError as error:
        raise RewardError(f"{member.name}: {error}") from error
    except Exception as error:  # a user's code
        raise RewardError(f"{member.name}: {type(error).__name__}: {error}") from error
    if len(scores) != len(candidates):
        raise RewardError(
            f"{member.name} returned {len(scores)} scores for {len(candidates)} candidates"
        )
    return scores


def _failure(row: Mapping[str, Score]) -> Failure | None:
    """The first member's that has one, naming it; also where a reward is not finite."""
    for name, score in row.items():
        if score.failure is not None:
            return Failure(score.failure.reason, f"{name}: {score.failure.detail}")
        if (failure := Score.of(score.reward, by=name).failure) is not None:
            return failure
    return None


def _components(row: Mapping[str, Score]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, score in row.items():
        if score.reward is not None and np.isfinite(score.reward):
            found[name] = score.reward
        found |= {f"{name}.{part}": value for part, value in score.components.items()}
    return found


def _zscore(rewards: Array) -> Array:
    # Equal rewards can have a spread of rounding errors alone, which would be blown up to 1.
    spread = np.ptp(rewards)
    if spread == 0:
        return np.zeros_like(rewards)
    scaled = (rewards - rewards.min()) / spread  # the squares of very small ones would vanish
    scores: Array = (scaled - scaled.mean()) / scaled.std()
    return scores


def _rank(rewards: Array) -> Array:
    if len(rewards) == 1:
        return np.full(1, 0.5)
    below = (rewards[None, :] < rewards[:, None]).sum(axis=1)
    equal = (rewards[None, :] == rewards[:, None]).sum(axis=1) - 1
    places: Array = (below + equal / 2) / (len(rewards) - 1)
    return places


_NORMALISE: Mapping[Normalise, Callable[[Array], Array]] = {
    "zscore": _zscore,
    "rank": _rank,
    "none": lambda rewards: rewards,
}
