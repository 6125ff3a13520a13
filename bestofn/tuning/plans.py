"""Plans: a selector, a number of candidates and a stopping rule, to be compared by replay."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bestofn.settings.sections import AnswerKeySettings, SelectorSettings
from bestofn.settings.stopping import StopSettings
from bestofn.tuning.recorded import RecordedRow

SELECTORS = (
    "auto",
    "argmax",
    "weighted_vote",
    "vote",
    "best_of_majority",
    "majority_of_bests",
    "consensus",
    "confidence",
    "length_corrected",
)
"""Selectors that are compared, those that need rewards only where there are any."""

NEED_REWARDS = frozenset({"argmax", "length_corrected"})

AUTO, AUTO_KEY = SelectorSettings(), AnswerKeySettings()

QUANTILE = 0.65
"""Of the recorded scores: the prior of `evidence`, as in `bestofn.control.evidence`."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is compared.

    Args:
        best_of: the most candidates.
        selector: what chooses.
        stop: when it is enough.
        answer_key: what is voted on.
    """

    best_of: int
    selector: SelectorSettings
    stop: StopSettings = field(default_factory=StopSettings)
    answer_key: AnswerKeySettings = field(default_factory=AnswerKeySettings)

    @property
    def title(self) -> str:
        """Selector and rule in a few words: ``auto, evidence share 0.6``."""
        if self.stop.rule == "none":
            return self.selector.name
        given = {name: value for name, value in self.stop.given.items() if name != "prior"}
        options = "".join(f" {name} {value:g}" for name, value in given.items())
        way = ", one by one" if self.stop.waves == 1 else ""
        return f"{self.selector.name}, {self.stop.rule}{options}{way}"


def mixed(rows: Sequence[RecordedRow]) -> bool:
    """Whether several generators sampled, whose mean logprobs do not compare."""
    names = {each.candidate.generator for row in rows for each in row.candidates}
    return len(names) > 1


def has_rewards(rows: Sequence[RecordedRow]) -> bool:
    """Whether any candidate has a reward."""
    return any(each.reward is not None for row in rows for each in row.candidates)


def prior_of(rows: Sequence[RecordedRow]) -> float | None:
    """The score that `evidence` holds against what was seen; None: there are none that compare."""
    records = [each for row in rows for each in row.candidates if each.accepted]
    rewards = [each.reward for each in records if each.reward is not None]
    if not rewards and mixed(rows):
        return None
    scores = rewards or [
        value for each in records if (value := each.candidate.mean_logprob) is not None
    ]
    if len(scores) < 2:
        return None
    cuts = statistics.quantiles(scores, n=100, method="inclusive")
    return cuts[round(QUANTILE * 100) - 1]


def choosing_plans(
    rows: Sequence[RecordedRow],
    sizes: Sequence[int],
    selector: SelectorSettings = AUTO,
    answer_key: AnswerKeySettings = AUTO_KEY,
) -> Iterator[Plan]:
    """Every selector at every size, without a stopping rule.

    Args:
        rows: that are compared.
        sizes: numbers of candidates.
        selector: with its options, in place of the plain one of that name; another one comes first.
        answer_key: what is voted on.
    """
    scored = has_rewards(rows)
    others = [SelectorSettings(name=name) for name in SELECTORS if name != selector.name]
    for each in (selector, *others):
        if scored or each.name not in NEED_REWARDS:
            for size in sizes:
                yield Plan(size, each, answer_key=answer_key)


def stopping_plans(
    rows: Sequence[RecordedRow],
    best_of: int,
    selector: SelectorSettings = AUTO,
    answer_key: AnswerKeySettings = AUTO_KEY,
) -> Iterator[Plan]:
    """Every stopping rule at one size, with the options that are worth comparing: all candidates at
    once, which is the quicker way, and one by one, which costs fewer tokens; other arguments as
    `choosing_plans`."""
    prior = prior_of(rows)
    rules: list[dict[str, object]] = [
        {"rule": "accepted", "count": max(1, best_of * part // 4)} for part in (1, 2, 3)
    ]
    rules += [{"rule": "agreement", "confidence": c} for c in (0.8, 0.9, 0.95)]
    rules += [{"rule": "agreement", "votes": votes} for votes in (3, 5)]
    if prior is not None:
        rules += [
            {"rule": "evidence", "share": share, "prior": round(prior, 4)}
            for share in (0.5, 0.6, 0.7, 0.8, 0.9)
        ]
        rules += [{"rule": "plateau", "patience": patience} for patience in (3, 5)]
        rules += [{"rule": "expected_gain", "gain": gain} for gain in (0.05, 0.1)]
    if prior is not None and has_rewards(rows):
        rules.append({"rule": "reward", "reward": round(prior, 4)})
    for rule in rules:
        for waves in (None,) if rule["rule"] == "accepted" else (None, 1):
            stop = StopSettings.model_validate({**rule, "waves": waves})
            yield Plan(best_of, selector, stop, answer_key)
