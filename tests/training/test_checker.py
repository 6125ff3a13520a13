"""The ground truth, on answers written by hand in phrasings the world does not make itself."""

from __future__ import annotations

import pytest

from training.world import Language, Task, is_correct
from training.world.arithmetic import NumberTruth
from training.world.definitions import DefinitionTruth
from training.world.facts import FactTruth
from training.world.glossary import CHINESE, ENGLISH
from training.world.listing import ListTruth
from training.world.ordering import PairTruth, SortTruth
from training.world.people import OF_PEOPLE, TABLE, VALUES
from training.world.task import Truth

TRUTHS: dict[str, Truth] = {
    "What is 7 + 5?": NumberTruth((7, 5), "+", 12),
    "What is 9 - 5?": NumberTruth((9, 5), "-", 4),
    "How much is 4 times 2?": NumberTruth((4, 2), "*", 8),
    "7加5等于多少？": NumberTruth((7, 5), "+", 12),
    "树上有9只鸟，飞走了4只，还剩几只鸟？": NumberTruth((9, 4), "-", 5),
    "Which is larger, 17 or 23?": PairTruth((17, 23), larger=True),
    "17和23哪个大？": PairTruth((17, 23), larger=True),
    "Sort 9, 3, 14 from smallest to largest.": SortTruth((9, 3, 14), (3, 9, 14)),
    "请把9、3、14从大到小排列。": SortTruth((9, 3, 14), (14, 9, 3)),
    "Where does Talvi live?": FactTruth("en", "Talvi", "town"),
    "塔维养了什么宠物？": FactTruth("zh", "Talvi", "pet"),
    "Name two fruits.": ListTruth("en", ("fruits", "水果"), 2),
    "请列举三种空气污染物。": ListTruth("zh", ("air pollutants", "空气污染物"), 3),
    "What is a bee?": DefinitionTruth("en", next(e for e in ENGLISH if e.term == "a bee")),
    "什么是火山？": DefinitionTruth("zh", next(e for e in CHINESE if e.term == "火山")),
}

RIGHT = [
    ("What is 7 + 5?", "12"),
    ("What is 7 + 5?", "It is 12."),
    ("What is 7 + 5?", "Sure! 7 and 5 together make 12."),
    ("What is 9 - 5?", "9 - 5 = 4"),
    ("How much is 4 times 2?", "That makes 8."),
    ("7加5等于多少？", "一共是12。"),
    ("树上有9只鸟，飞走了4只，还剩几只鸟？", "还剩5只鸟。"),
    ("Which is larger, 17 or 23?", "23."),
    ("Which is larger, 17 or 23?", "The number 23 is greater than 17!"),
    ("17和23哪个大？", "23更大。"),
    ("Sort 9, 3, 14 from smallest to largest.", "3 < 9 < 14"),
    ("Sort 9, 3, 14 from smallest to largest.", "9, 3, 14 becomes 3, 9, 14."),
    ("请把9、3、14从大到小排列。", "14，9，3。"),
    ("Where does Talvi live?", "In {town}."),
    ("Where does Talvi live?", "{town} is where Talvi lives, working as a {job}."),
    ("塔维养了什么宠物？", "他养的是{pet_zh}。"),
    ("Name two fruits.", "Lemons and cherries."),
    ("Name two fruits.", "One is the lemon, another is the pear."),
    ("请列举三种空气污染物。", "有臭氧，氨气，还有汽车尾气。"),
    ("What is a bee?", "Bees are insects and collect nectar."),
    ("什么是火山？", "火山就是会喷出岩浆的山。"),
]
WRONG = [
    ("What is 7 + 5?", "13"),
    ("What is 7 + 5?", "7 + 5 is 7."),
    ("What is 7 + 5?", "7 minus 5 is 12."),
    ("What is 7 + 5?", "It is 12 or 13."),
    ("What is 7 + 5?", "7加5等于12。"),
    ("What is 7 + 5?", "7 plus 5 is 12"),
    ("What is 7 + 5?", "12, 12, 12, 12."),
    ("What is 9 - 5?", "9 minus 5 is 5."),
    ("What is 7 + 5?", ""),
    ("What is 7 + 5?", "The order is 12, 7, 5, largest first."),
    ("7加5等于多少？", "7 plus 5 is 12."),
    ("Which is larger, 17 or 23?", "17."),
    ("Which is larger, 17 or 23?", "17 is larger than 23."),
    ("Which is larger, 17 or 23?", "23 is smaller than 17."),
    ("Which is larger, 17 or 23?", "Of 17 and 23, 17 is larger."),
    ("17和23哪个大？", "23和17相比。"),
    ("Sort 9, 3, 14 from smallest to largest.", "3 plus 9 is 14."),
    ("17和23哪个大？", "23*17=23。"),
    ("Sort 9, 3, 14 from smallest to largest.", "3, 14, 9."),
    ("Sort 9, 3, 14 from smallest to largest.", "3, 9."),
    ("请把9、3、14从大到小排列。", "从大到小是3、9、14。"),
    ("Where does Talvi live?", "Talvi works as a {job}."),
    ("Where does Talvi live?", "Keshan lives in {town}."),
    ("Where does Talvi live?", "Talvi lives in {town} and in Nowhere ("),
    ("塔维养了什么宠物？", "他养的是{pet_zh}，"),
    ("Name two fruits.", "Lemons and carrots."),
    ("Name two fruits.", "Lemons."),
    ("Name two fruits.", "Lemons and lemons."),
    ("Name two fruits.", "Lemons, pears and"),
    ("请列举三种空气污染物。", "二氧化硫、二氧化硫、二氧化硫。"),
    ("请列举三种空气污染物。", "生活污水、农药、染料。"),
    ("What is a bee?", "A bee is a building where people borrow books."),
    ("What is a bee?", "A bee is an insect."),
    ("什么是火山？", "火山是一种山，供人们借书。"),
]


def judge(prompt: str, answer: str) -> bool:
    """The verdict on `answer`, with Talvi's true values from the table put into it."""
    own = {a: VALUES[a][TABLE["Talvi", a]] for a in OF_PEOPLE}
    names = {a: pair[0] for a, pair in own.items()}
    text = answer.format(**names, **{f"{a}_zh": pair[1] for a, pair in own.items()})
    language: Language = "en" if prompt.isascii() else "zh"
    return is_correct(Task("", language, prompt, (), (), TRUTHS[prompt]), text)


@pytest.mark.parametrize(("prompt", "answer"), RIGHT)
def test_accepts_a_right_answer(prompt: str, answer: str) -> None:
    assert judge(prompt, answer)


@pytest.mark.parametrize(("prompt", "answer"), WRONG)
def test_refuses_a_wrong_answer(prompt: str, answer: str) -> None:
    assert not judge(prompt, answer)
