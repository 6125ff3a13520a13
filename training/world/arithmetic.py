"""Small sums, differences and products, bare and as stories."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

from training.world.task import Language, Task
from training.world.text import numbers, speaks_of_order

LARGEST_TERM = 9
LARGEST_FACTOR = 9

_ASK: dict[tuple[str, str], tuple[str, ...]] = {
    ("en", "+"): (
        "What is {a} + {b}?",
        "What is {a} plus {b}?",
        "Add {a} and {b}.",
        "Calculate {a} + {b}.",
        "How much is {a} plus {b}?",
        "{a} + {b} = ?",
        "Please work out {a} plus {b}.",
        "I have {a} shells and find {b} more. How many shells do I have now?",
        "There are {a} birds in a tree and {b} birds join them. How many birds are there?",
    ),
    ("en", "-"): (
        "What is {a} - {b}?",
        "What is {a} minus {b}?",
        "Take {b} away from {a}.",
        "Calculate {a} - {b}.",
        "How much is {a} minus {b}?",
        "{a} - {b} = ?",
        "Please work out {a} minus {b}.",
        "I have {a} shells and lose {b} of them. How many shells are left?",
        "There are {a} birds in a tree and {b} fly away. How many birds are left?",
    ),
    ("en", "*"): (
        "What is {a} * {b}?",
        "What is {a} times {b}?",
        "Multiply {a} by {b}.",
        "Calculate {a} * {b}.",
        "How much is {a} times {b}?",
        "{a} * {b} = ?",
        "There are {a} boxes with {b} eggs in each. How many eggs are there?",
    ),
    ("zh", "+"): (
        "{a}加{b}等于多少？",
        "{a}+{b}等于几？",
        "{a} + {b} = ?",
        "请计算{a}加{b}。",
        "请算一算{a}+{b}。",
        "{a}和{b}的和是多少？",
        "我有{a}个贝壳，又捡到{b}个，现在一共有几个？",
        "树上有{a}只鸟，又飞来{b}只，现在有几只鸟？",
    ),
    ("zh", "-"): (
        "{a}减{b}等于多少？",
        "{a}-{b}等于几？",
        "{a} - {b} = ?",
        "请计算{a}减{b}。",
        "请算一算{a}-{b}。",
        "{a}与{b}的差是多少？",
        "我有{a}个贝壳，丢了{b}个，还剩几个？",
        "树上有{a}只鸟，飞走了{b}只，还剩几只鸟？",
    ),
    ("zh", "*"): (
        "{a}乘{b}等于多少？",
        "{a}乘以{b}等于几？",
        "{a} * {b} = ?",
        "请计算{a}乘{b}。",
        "{a}和{b}的积是多少？",
        "有{a}个盒子，每个盒子里有{b}个鸡蛋，一共有几个鸡蛋？",
    ),
}
_SAY: dict[tuple[str, str], tuple[str, ...]] = {
    ("en", "+"): (
        "{a} plus {b} is {c}.",
        "{a} + {b} = {c}.",
        "The sum of {a} and {b} is {c}.",
        "{a} plus {b} equals {c}, so the answer is {c}.",
        "The answer is {c} ({a} + {b} = {c}).",
    ),
    ("en", "-"): (
        "{a} minus {b} is {c}.",
        "{a} - {b} = {c}.",
        "If you take {b} away from {a}, {c} is left.",
        "{a} minus {b} equals {c}, so the answer is {c}.",
        "The answer is {c} ({a} - {b} = {c}).",
    ),
    ("en", "*"): (
        "{a} times {b} is {c}.",
        "{a} * {b} = {c}.",
        "The product of {a} and {b} is {c}.",
        "{a} times {b} equals {c}, so the answer is {c}.",
        "The answer is {c} ({a} * {b} = {c}).",
    ),
    ("zh", "+"): (
        "{a}加{b}等于{c}。",
        "{a}+{b}={c}。",
        "{a}和{b}的和是{c}。",
        "{a}加{b}等于{c}，所以答案是{c}。",
        "答案是{c}（{a}+{b}={c}）。",
    ),
    ("zh", "-"): (
        "{a}减{b}等于{c}。",
        "{a}-{b}={c}。",
        "从{a}里减去{b}，还剩{c}。",
        "{a}减{b}等于{c}，所以答案是{c}。",
        "答案是{c}（{a}-{b}={c}）。",
    ),
    ("zh", "*"): (
        "{a}乘{b}等于{c}。",
        "{a}*{b}={c}。",
        "{a}和{b}的积是{c}。",
        "{a}乘{b}等于{c}，所以答案是{c}。",
        "答案是{c}（{a}*{b}={c}）。",
    ),
}
_OPERATOR_WORDS = {
    "+": ("plus", "+", "sum", "加", "和"),
    "-": ("minus", "-", "take", "减"),
    "*": ("times", "*", "product", "乘", "积"),
}


@dataclass(frozen=True, slots=True)
class NumberTruth:
    """The answer is one number; the two operands may be restated, under the right operator."""

    operands: tuple[int, int]
    operator: str
    answer: int

    def holds(self, text: str) -> bool:
        """Whether every number that is not a restated operand is the answer."""
        others = [w for op, words in _OPERATOR_WORDS.items() if op != self.operator for w in words]
        own = _OPERATOR_WORDS[self.operator]
        lowered = text.lower()
        if any(word in lowered for word in others if word not in own and word != "和"):
            return False
        if speaks_of_order(text):
            return False
        found = Counter(numbers(text))
        restated = Counter(self.operands)
        claims = found - restated if restated <= found else found
        return set(claims) == {self.answer}


def sample(rng: random.Random, language: Language) -> Task:
    """A random task of this kind."""
    operator = rng.choice("++--*")
    if operator == "*":
        a, b = rng.randint(1, LARGEST_FACTOR), rng.randint(1, LARGEST_FACTOR)
        c = a * b
    else:
        a, b = rng.randint(0, LARGEST_TERM), rng.randint(0, LARGEST_TERM)
        if operator == "-":
            a, b = max(a, b), min(a, b)
        c = a + b if operator == "+" else a - b
    say = list(_SAY[language, operator])
    rng.shuffle(say)
    wrong = [_near_miss(rng, a, b, c) for _ in say]
    return Task(
        kind="arithmetic",
        language=language,
        prompt=rng.choice(_ASK[language, operator]).format(a=a, b=b),
        answers=tuple(s.format(a=a, b=b, c=c) for s in say),
        wrong_answers=tuple(s.format(a=a, b=b, c=w) for s, w in zip(say, wrong, strict=True)),
        truth=NumberTruth((a, b), operator, c),
    )


def _near_miss(rng: random.Random, a: int, b: int, c: int) -> int:
    """A number that is not `c`, but near it or the result of another operation."""
    near = [c + step for step in (-10, -3, -2, -1, 1, 2, 3, 10)]
    swapped = [int(str(c)[::-1]), a + b, abs(a - b)]
    pool = [value for value in near if value >= 0 and value != c]
    other = [value for value in swapped if value != c]
    return rng.choice(other if other and rng.random() < 0.2 else pool)
