"""Findings of a report: rewards, gains, lengths, examples, in one pass and bounded memory.

However many rows there are, it holds `SAMPLED` values for each plot, `EXAMPLES` prompts of each
kind with the beginnings of their texts, and counts.
"""

from __future__ import annotations

import functools
import heapq
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bestofn.core.types import message_text
from bestofn.dataset.export.summary import Summary
from bestofn.dataset.report.decisions import Decisions
from bestofn.dataset.report.document import excerpt
from bestofn.dataset.store.records import Record, messages_of, ranked_candidates

SAMPLED = 5_000
"""Points of a plot, drawn evenly where there are more: a browser still shows them at once."""

EXAMPLES = 6
"""Prompts that are shown to read, of each kind."""

REASONS = 30
"""Reasons of which rejected texts are shown; a filter of one's own may have any number."""

EVERY_SIZE = 16
"""Up to so many samples the gain is found for each number of them, above for each half octave."""


class Reservoir:
    """Some of many values, each as likely as any other (Vitter 1985, algorithm R).

    Attributes:
        values: those that are held.
        seen: how many there were.
    """

    def __init__(self, size: int = SAMPLED, seed: int = 0) -> None:
        self.values: list[Any] = []
        self._size = size
        self.seen = 0
        self._random = random.Random(seed)

    def add(self, value: Any) -> None:
        """Take a value, or not."""
        self.seen += 1
        if len(self.values) < self._size:
            self.values.append(value)
        elif (at := int(self._random.random() * self.seen)) < self._size:
            self.values[at] = value


@dataclass(frozen=True, slots=True, order=True)
class Example:
    """A prompt with the answer that was chosen and the one that was ranked last.

    Args:
        spread: of its rewards: the highest less the lowest.
        row: of the input.
        prompt: its newest user message, or the beginning of it.
        best: text, or the beginning of it, and reward of the chosen.
        worst: the same of the last.
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
        decisions: how winners were chosen and sampling was stopped.
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
    decisions: Decisions = field(default_factory=Decisions)
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

    @property
    def kinds(self) -> dict[str, Counter[str]]:
        """The same by what became of the candidates. What a rule stopped stands as a failure in the
        records, and is told apart by the rule's name."""
        stopped = Counter(
            {rule: count for rule in self.decisions.aborted if (count := self.summary.failed[rule])}
        )
        return {
            "rejected": self.summary.rejected,
            "suspected": self.summary.suspected,
            "failed": self.summary.failed - stopped,
            "stopped": stopped,
        }


def findings(records: Iterable[Record]) -> Findings:
    """Gather what a report needs of a run's records."""
    found = Findings()
    for record in found.summary.counting(records):
        found.decisions.add(record)
        for each in record["candidates"]:
            for rejection in each["rejections"]:
                _keep_rejected(found.rejected_texts, rejection["reason"], each["text"])
        held = ranked_candidates(record)
        if held and held[0]["reward"] is not None:
            _add(found, record, held)
    return found


def expected_best(rewards: Sequence[float], n: int) -> float:
    """The mean, over all subsets of n, of the highest reward: what best of n gives, without bias
    (Nakano and others 2021, arXiv 2112.09332, appendix I).

    The i-th smallest of K is the highest of comb(i - 1, n - 1) subsets out of comb(K, n).
    """
    return float(_highest(len(rewards), (n,)) @ np.sort(rewards))


@functools.lru_cache(maxsize=256)
def _highest(count: int, sizes: tuple[int, ...]) -> np.ndarray:
    """The chance that each of `count` values, from the smallest to the largest, is the highest of n
    of them, drawn without putting back: a row for each n. It is not to be changed."""
    rows = np.zeros((len(sizes), count))
    for row, n in zip(rows, sizes, strict=True):
        # comb(i - 1, n - 1) is comb(i, n - 1) * (i - n + 1) / i, and the largest has n / count.
        places = np.arange(count - 1, n - 1, -1.0)
        row[n - 1 :] = n / count * np.cumprod([1.0, *((places - n + 1) / places)])[::-1]
    return rows if len(sizes) > 1 else rows[0]


@functools.lru_cache(maxsize=256)
def _sizes(most: int) -> tuple[int, ...]:
    """Numbers of samples up to `most` that the gain is found for."""
    halves = (round(EVERY_SIZE * 2 ** (step / 2)) for step in range(1, 2 * most.bit_length()))
    return (*range(1, min(most, EVERY_SIZE) + 1), *(size for size in halves if size <= most))


def _add(found: Findings, record: Record, held: Sequence[Any]) -> None:
    rewards = [each["reward"] for each in held]
    found.winners.add(rewards[0])
    first = min(held, key=lambda each: each["index"])
    found.pairs.add((first["reward"], rewards[0]))
    ordered = np.sort(rewards)
    mean, spread = float(ordered.mean()), float(ordered.std())
    if ordered[0] == ordered[-1]:  # what rounding makes of equal rewards is no spread
        spread = 0.0
    for each in held:
        found.accepted.add(each["reward"])
        if spread and each["completion_tokens"] is not None:
            found.lengths.add((each["completion_tokens"], (each["reward"] - mean) / spread))
    if spread:
        sizes = _sizes(len(rewards))
        expected = _highest(len(rewards), sizes) @ ordered
        for n, best in zip(sizes, expected, strict=True):
            total, count = found.gains.get(n, (0.0, 0))
            found.gains[n] = (total + (float(best) - mean) / spread, count + 1)
        _keep_examples(found, record, held, float(ordered[-1] - ordered[0]))


def _keep_rejected(texts: dict[str, list[str]], reason: str, text: str) -> None:
    if reason not in texts and len(texts) >= REASONS:
        return
    held = texts.setdefault(reason, [])
    if len(held) < 2 and text.strip():
        held.append(excerpt(text))


def _keep_examples(found: Findings, record: Record, held: Sequence[Any], spread: float) -> None:
    clear = len(found.clearest) < EXAMPLES or spread > found.clearest[0].spread
    close = len(found.closest) < EXAMPLES or -spread > found.closest[0][0]
    if not clear and not close:
        return  # of most rows, whose messages need not be read
    prompt = next(
        (message_text(m) for m in reversed(messages_of(record)) if m.get("role") == "user"), ""
    )
    best, worst = ((excerpt(each["text"]), each["reward"]) for each in (held[0], held[-1]))
    example = Example(spread, record["row"], excerpt(prompt), best, worst)
    if clear:
        _push(found.clearest, example)
    if close:
        _push(found.closest, (-spread, example))


def _push(heap: list[Any], item: Any) -> None:
    if len(heap) < EXAMPLES:
        heapq.heappush(heap, item)
    else:
        heapq.heappushpop(heap, item)
