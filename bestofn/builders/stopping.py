"""From the section `stop` to the parts of a `Policy`: how a request is sampled, until when.

A new rule is one new file in `bestofn.control`, its options in `bestofn.settings.stopping`, and
one line in `RULES`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bestofn.control.accepted import Accepted
from bestofn.control.agreement import Agreement
from bestofn.control.enough import Enough
from bestofn.control.evidence import Evidence
from bestofn.control.expected_gain import ExpectedGain
from bestofn.control.fixed import Fixed
from bestofn.control.loops import Loops
from bestofn.control.plateau import Plateau
from bestofn.control.policy import Policy
from bestofn.control.pruning import Prune
from bestofn.control.recent_scores import RecentScores
from bestofn.control.replace import ReplaceRejected
from bestofn.control.waves import Waves
from bestofn.core.controller import Budget, Chain, Controller
from bestofn.core.errors import ConfigError, RequestError
from bestofn.core.pipeline import Pipeline
from bestofn.core.protocols import AnswerKey
from bestofn.settings.stopping import StopSettings


@dataclass(frozen=True, slots=True)
class Readable:
    """What the rules of one pipeline may read of candidates.

    Args:
        answer_key: what is voted on; None: nothing.
        rewards: whether a reward model scores; else scores are mean logprobs.
        recent: the scores of recent requests.
        several: whether several models sample, whose mean logprobs do not compare; then there are
            no scores without a reward model.
    """

    answer_key: AnswerKey | None
    rewards: bool
    recent: RecentScores
    several: bool = False

    @classmethod
    def of(cls, answer_key: AnswerKey | None, *, rewards: bool, several: bool = False) -> Readable:
        """With nothing known of recent requests."""
        return cls(answer_key, rewards, RecentScores(rewards=rewards), several)

    def require_scores(self, rule: str) -> None:
        """Refuse a rule that could never stop anything.

        Raises:
            ConfigError: there are no scores that compare.
        """
        if self.several and not self.rewards:
            raise ConfigError(
                f"stop: the rule {rule} needs scores, and log-probabilities of several generators "
                "do not compare: name a reward model, or use the rule agreement"
            )


RULES: Mapping[str, Callable[[Readable, Mapping[str, Any]], Controller]] = {
    "accepted": lambda has, options: Accepted(**options),
    "agreement": lambda has, options: Agreement(has.answer_key, **options),
    "auto": lambda has, options: _evidence(has, options),
    "evidence": lambda has, options: _evidence(has, options),
    "expected_gain": lambda has, options: _expected_gain(has, options),
    "plateau": lambda has, options: _plateau(has, options),
    "reward": lambda has, options: _threshold(has, options),
}


def stopping(stop: StopSettings, has: Readable) -> Mapping[str, Any]:
    """The fields of a `Policy` that the section decides: `sampling`, `stop`, `least`, `mid_decode`,
    `budget` and `recent`.

    Args:
        stop: the section.
        has: what its rule may read.

    Raises:
        ConfigError: the rule reads rewards, or candidates are to be pruned, and nothing scores.
    """
    sampling: Controller = Fixed() if stop.waves is None else Waves(stop.waves)
    if stop.replace:
        sampling = Chain((sampling, ReplaceRejected()))
    return {
        "sampling": sampling,
        "stop": None if stop.rule == "none" else RULES[stop.rule](has, stop.given),
        "least": stop.min,
        "mid_decode": _mid_decode(stop, has),
        "budget": Budget(tokens=stop.max_sampled_tokens, seconds=stop.max_seconds),
        "recent": has.recent,
    }


def require_candidates(stop: StopSettings, best_of: int) -> None:
    """Refuse a rule that could never stop anything, since it wants more than is sampled.

    Raises:
        ConfigError: it is one.
    """
    if stop.rule == "none":
        return
    for name, count in (("min", stop.min), ("count", stop.count)):
        if count is not None and count > best_of:
            raise ConfigError(f"stop.{name} is {count}, and best_of is {best_of}: sample more")


def stopped_by(stop: StopSettings, answer_key: AnswerKey | None, pipeline: Pipeline) -> Pipeline:
    """The pipeline with another stopping rule, which knows what the one before knew of recent
    requests.

    Raises:
        ConfigError: the rule reads rewards, and nothing scores.
        RequestError: the pipeline's policy is none that takes a rule.
    """
    policy, scored = pipeline.policy, pipeline.reward_model is not None
    if not isinstance(policy, Policy):
        raise RequestError("stop: the policy of this pipeline is not to be changed")
    recent = policy.recent or RecentScores(rewards=scored)
    parts = stopping(stop, Readable(answer_key, scored, recent, pipeline.sources > 1))
    return dataclasses.replace(pipeline, policy=dataclasses.replace(policy, **parts))


def _mid_decode(stop: StopSettings, has: Readable) -> Controller | None:
    """What stops single candidates while they run; None: nothing does."""
    rules: list[Controller] = [Loops()] if stop.stops_loops else []
    if stop.prune is not None:
        if not has.rewards:
            raise ConfigError("stop: prune needs a reward model, and there is none")
        options = {"first": stop.prune_at, "protect": stop.prune_min}
        given = {name: value for name, value in options.items() if value is not None}
        rules.append(Prune(stop.prune, **given))
    return Chain(tuple(rules)) if len(rules) > 1 else next(iter(rules), None)


def _evidence(has: Readable, options: Mapping[str, Any]) -> Controller:
    if has.several and not has.rewards:
        if options:
            has.require_scores("evidence")
        return Agreement(has.answer_key)
    return Evidence(has.answer_key, has.rewards, recent=has.recent, **options)


def _expected_gain(has: Readable, options: Mapping[str, Any]) -> Controller:
    has.require_scores("expected_gain")
    return ExpectedGain(has.rewards, recent=has.recent, **options)


def _plateau(has: Readable, options: Mapping[str, Any]) -> Controller:
    has.require_scores("plateau")
    return Plateau(has.rewards, **options)


def _threshold(has: Readable, options: Mapping[str, Any]) -> Controller:
    if not has.rewards:
        raise ConfigError("stop: the rule reward needs a reward model, and there is none")
    return Enough(**options)
