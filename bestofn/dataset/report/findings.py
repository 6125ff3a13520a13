"""Findings of a report: rewards, gains, lengths, examples, in one pass and bounded memory."""

from __future__ import annotations

import heapq
import random
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import comb
from typing import Any

from bestofn.core.types import message_text
from bestofn.dataset.export.summary import Summary
from bestofn.dataset.store.records import Record, messages_of, ranked_candidates

SAMPLED = 5_000
"""Points of a plot, drawn evenly where there are more: a browser still shows them at once."""

EXAMPLES = 6
"""Prompts that are shown to read, of each kind."""


class Reservoir:
    """Some of many values, each as likely as any other (Vitter 1985, algorithm R)."""

    def __init__(self, size: int = SAMPLED, seed: int = 0) -> None:
        self.values: list[Any] = []
        self._size = size
        self._seen = 0
        self._random = random.Random(seed)

    def add(self, value: Any) -> None:
        """Take a value, or not."""
        self._seen += 1
        if len(self.values) < self._size:
            self.values.append(value)
        elif (at := self._random.randrange(self._seen)) < self._size:
            self.values[at] = value


@dataclass(frozen=True, slots=True, order=True)
class Example:
    """A prompt with its best and its worst accepted answer, or the first rejected.

    Args:
        spread: of its rewards: best less worst.
        row: of the input.
        prompt: its newest user message.
        best: text and reward.
        worst: text and reward.
    """

    spread: float
    row: int
    prompt: str = field(compare=False)
    best: tuple[str, float] = field(compare=False)
    worst: tuple[str, float] = field(compare=False)


@dataclass(slots=True)
class Findings:
    """What was found.

    Args:
        summary: counts.
        winners: rewards of the first ranks.
        accepted: rewards of all accepted.
        pairs: (reward of the first accepted sample, reward of the winner).
        lengths: (completion tokens, reward in standard deviations from the prompt's mean).
        gains: by n: the sum, over prompts, of the expected best reward of n samples less that of
            one, in the prompt's standard deviations; and how many prompts.
        clearest: prompts whose rewards spread most.
        closest: prompts whose rewards spread least, above zero.
        rejected_texts: for each reason a rejected text or two.
    """

    summary: Summary = field(default_factory=Summary)
    winners: Reservoir = field(default_factory=Reservoir)
    accepted: Reservoir = field(default_factory=Reservoir)
    pairs: Reservoir = field(default_factory=Reservoir)
    lengths: Reservoir = field(default_factory=Reservoir)
    gains: dict[int, tuple[float, int]] = field(default_factory=dict)
    clearest: list[Example] = field(default_factory=list)
    closest: list[tuple[float, Example]] = field(default_factory=list)
    rejected_texts: dict[str, list[str]] = field(default_factory=dict)

    @property
    def reasons(self) -> Counter[str]:
        """Suspicions, rejections and failures."""
        return self.summary.suspected + self.summary.rejected + self.summary.failed


def findings(records: Iterable[Record]) -> Findings:
    """Gather what a report needs of a run's records."""
    found = Findings()
    for record in found.summary.counting(records):
        for each in record["candidates"]:
            for rejection in each["rejections"]:
                texts = found.rejected_texts.setdefault(rejection["reason"], [])
                if len(texts) < 2 and each["text"].strip():
                    texts.append(each["text"])
        held = ranked_candidates(record)
        if held and held[0]["reward"] is not None:
            _add(found, record, held)
    return found


def expected_best(rewards: Sequence[float], n: int) -> float:
    """The mean, over all subsets of n, of the highest reward.

    The i-th smallest of K is the highest of comb(i - 1, n - 1) subsets out of comb(K, n).
    """
    ordered = sorted(rewards)
    subsets = comb(len(ordered), n)
    return sum(value * comb(i, n - 1) for i, value in enumerate(ordered)) / subsets


def _add(found: Findings, record: Record, held: Sequence[Any]) -> None:
    rewards = [each["reward"] for each in held]
    found.winners.add(rewards[0])
    first = min(held, key=lambda each: each["index"])
    found.pairs.add((first["reward"], rewards[0]))
    mean, spread = statistics.fmean(rewards), statistics.pstdev(rewards)
    for each in held:
        found.accepted.add(each["reward"])
        if spread and each["completion_tokens"] is not None:
            found.lengths.add((each["completion_tokens"], (each["reward"] - mean) / spread))
    if spread:
        for n in range(1, len(rewards) + 1):
            total, count = found.gains.get(n, (0.0, 0))
            found.gains[n] = (total + (expected_best(rewards, n) - mean) / spread, count + 1)
        _keep_examples(found, record, held)


def _keep_examples(found: Findings, record: Record, held: Sequence[Any]) -> None:
    best, worst = held[0], held[-1]
    prompt = next(
        (message_text(m) for m in reversed(messages_of(record)) if m.get("role") == "user"), ""
    )
    example = Example(
        best["reward"] - worst["reward"],
        record["row"],
        prompt,
        (best["text"], best["reward"]),
        (worst["text"], worst["reward"]),
    )
    _push(found.clearest, example)
    _push(found.closest, (-example.spread, example))


def _push(heap: list[Any], item: Any) -> None:
    if len(heap) < EXAMPLES:
        heapq.heappush(heap, item)
    else:
        heapq.heappushpop(heap, item)
