"""Comparing and sorting small numbers."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

from training.world.task import Language, Task
from training.world.text import numbers, speaks_of_calculation

LARGEST = 9

_ASK_PAIR: dict[tuple[str, bool], tuple[str, ...]] = {
    ("en", True): (
        "Which is larger, {a} or {b}?",
        "Which number is bigger: {a} or {b}?",
        "What is the larger of {a} and {b}?",
        "Compare {a} and {b}. Which one is larger?",
    ),
    ("en", False): (
        "Which is smaller, {a} or {b}?",
        "Which number is smaller: {a} or {b}?",
        "What is the smaller of {a} and {b}?",
        "Compare {a} and {b}. Which one is smaller?",
    ),
    ("zh", True): (
        "{a}和{b}哪个大？",
        "{a}和{b}相比，哪个更大？",
        "请说出{a}和{b}中较大的数。",
        "比较{a}和{b}，哪一个更大？",
    ),
    ("zh", False): (
        "{a}和{b}哪个小？",
        "{a}和{b}相比，哪个更小？",
        "请说出{a}和{b}中较小的数。",
        "比较{a}和{b}，哪一个更小？",
    ),
}
_SAY_PAIR: dict[tuple[str, bool], tuple[str, ...]] = {
    ("en", True): ("{c} is larger than {d}.", "Of {a} and {b}, {c} is larger."),
    ("en", False): ("{c} is smaller than {d}.", "Of {a} and {b}, {c} is smaller."),
    ("zh", True): ("{c}比{d}大。", "{a}和{b}相比，{c}更大。"),
    ("zh", False): ("{c}比{d}小。", "{a}和{b}相比，{c}更小。"),
}
_ASK_SORT: dict[tuple[str, bool], tuple[str, ...]] = {
    ("en", False): (
        "Sort {list} from smallest to largest.",
        "Put {list} in order, smallest first.",
        "Arrange the numbers {list} in ascending order.",
    ),
    ("en", True): (
        "Sort {list} from largest to smallest.",
        "Put {list} in order, largest first.",
        "Arrange the numbers {list} in descending order.",
    ),
    ("zh", False): (
        "请把{list}从小到大排列。",
        "将{list}按从小到大的顺序排列。",
        "从小到大排一排：{list}。",
    ),
    ("zh", True): (
        "请把{list}从大到小排列。",
        "将{list}按从大到小的顺序排列。",
        "从大到小排一排：{list}。",
    ),
}
_SAY_SORT: dict[tuple[str, bool], tuple[str, ...]] = {
    ("en", False): ("From smallest to largest: {list}.", "The order is {list}, smallest first."),
    ("en", True): ("From largest to smallest: {list}.", "The order is {list}, largest first."),
    ("zh", False): ("从小到大是{list}。", "排列结果（从小到大）：{list}。"),
    ("zh", True): ("从大到小是{list}。", "排列结果（从大到小）：{list}。"),
}
_LARGER = ("larger", "bigger", "greater", "大")
_SMALLER = ("smaller", "less", "小")


@dataclass(frozen=True, slots=True)
class PairTruth:
    """One of two numbers is the larger (or smaller) one, and the text has to name it."""

    pair: tuple[int, int]
    larger: bool

    def holds(self, text: str) -> bool:
        """Whether the number named is the right one, and the comparison is the one asked for."""
        lowered = text.lower()
        if any(word in lowered for word in (_SMALLER if self.larger else _LARGER)):
            return False
        if speaks_of_calculation(text):
            return False
        answer = max(self.pair) if self.larger else min(self.pair)
        found = numbers(text)
        if set(found) - set(self.pair) or not found:
            return False
        if sorted(found) == sorted(self.pair):
            compares = any(word in lowered for word in (_LARGER if self.larger else _SMALLER))
            return compares and found[0] == answer
        both = Counter(self.pair)
        claims = Counter(found) - both if both <= Counter(found) else Counter(found)
        return set(claims) == {answer}


@dataclass(frozen=True, slots=True)
class SortTruth:
    """The numbers have one order; the text gives it, maybe after restating the question."""

    given: tuple[int, ...]
    expected: tuple[int, ...]

    def holds(self, text: str) -> bool:
        """Whether the numbers of `text` are the expected ones in their order."""
        found = tuple(numbers(text))
        right = found in (self.expected, self.given + self.expected)
        return right and not speaks_of_calculation(text)


def sample(rng: random.Random, language: Language) -> Task:
    """A random task of this kind."""
    return _sample_pair(rng, language) if rng.random() < 0.5 else _sample_sort(rng, language)


def _sample_pair(rng: random.Random, language: Language) -> Task:
    a, b = rng.sample(range(1, LARGEST + 1), 2)
    larger = rng.random() < 0.5
    right, other = (max(a, b), min(a, b)) if larger else (min(a, b), max(a, b))
    say = list(_SAY_PAIR[language, larger])
    rng.shuffle(say)
    return Task(
        kind="ordering",
        language=language,
        prompt=rng.choice(_ASK_PAIR[language, larger]).format(a=a, b=b),
        answers=tuple(s.format(a=a, b=b, c=right, d=other) for s in say),
        wrong_answers=tuple(s.format(a=a, b=b, c=other, d=right) for s in say),
        truth=PairTruth((a, b), larger),
    )


def _sample_sort(rng: random.Random, language: Language) -> Task:
    given = rng.sample(range(1, LARGEST + 1), 3)
    descending = rng.random() < 0.5
    right = sorted(given, reverse=descending)
    say = list(_SAY_SORT[language, descending])
    rng.shuffle(say)
    return Task(
        kind="ordering",
        language=language,
        prompt=rng.choice(_ASK_SORT[language, descending]).format(list=_series(language, given)),
        answers=tuple(s.format(list=_series(language, right)) for s in say),
        wrong_answers=tuple(s.format(list=_series(language, _misplaced(rng, right))) for s in say),
        truth=SortTruth(tuple(given), tuple(right)),
    )


def _misplaced(rng: random.Random, right: list[int]) -> list[int]:
    """The numbers in another order, or in order with one number changed."""
    wrong = list(right)
    if rng.random() < 0.2:
        place = rng.randrange(len(wrong))
        wrong[place] = max(1, wrong[place] + rng.choice((-1, 1, 10)))
    while wrong == right:
        rng.shuffle(wrong)
    return wrong


def _series(language: str, values: list[int]) -> str:
    return ("、" if language == "zh" else ", ").join(map(str, values))
