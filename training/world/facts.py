"""Look-ups in the made-up table of people and towns."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from training.world.people import OF_PEOPLE, OF_TOWNS, PEOPLE, TABLE, TOWNS, VALUES
from training.world.task import Language, Task

_ASK: dict[tuple[str, str], tuple[str, ...]] = {
    ("en", "town"): (
        "Where does {s} live?",
        "In which town does {s} live?",
        "Tell me where {s} lives.",
        "Which town is {s}'s home?",
        "What is the name of the town where {s} lives?",
        "Do you know where {s} lives?",
    ),
    ("en", "job"): (
        "What is {s}'s job?",
        "What does {s} do for a living?",
        "Tell me what {s} works as.",
        "What work does {s} do?",
        "What is the job of {s}?",
        "Do you know what {s} does for work?",
    ),
    ("en", "colour"): (
        "What is {s}'s favourite colour?",
        "Which colour does {s} like best?",
        "Tell me {s}'s favourite colour.",
        "What colour is {s}'s favourite?",
        "Which colour is the favourite of {s}?",
        "Do you know which colour {s} likes best?",
    ),
    ("en", "pet"): (
        "What pet does {s} have?",
        "Which animal does {s} keep?",
        "Tell me what pet {s} has.",
        "What kind of pet does {s} keep?",
        "Which animal is {s}'s pet?",
        "Do you know what pet {s} has?",
    ),
    ("en", "river"): (
        "Which river flows through {s}?",
        "What river runs through {s}?",
        "Tell me the river that flows through {s}.",
        "On which river does {s} lie?",
        "What is the name of the river in {s}?",
    ),
    ("en", "goods"): (
        "What is {s} known for?",
        "What does {s} make?",
        "Tell me what {s} is known for.",
        "Which goods come from {s}?",
        "What is made in {s}?",
    ),
    ("zh", "town"): (
        "{s}住在哪里？",
        "{s}住在哪个城镇？",
        "请告诉我{s}住在哪里。",
        "{s}的家在哪里？",
        "你知道{s}住在哪里吗？",
        "{s}的家乡是哪里？",
    ),
    ("zh", "job"): (
        "{s}的职业是什么？",
        "{s}是做什么工作的？",
        "请告诉我{s}的工作。",
        "{s}做什么工作？",
        "你知道{s}的职业吗？",
        "{s}以什么为生？",
    ),
    ("zh", "colour"): (
        "{s}最喜欢什么颜色？",
        "{s}喜欢的颜色是什么？",
        "请告诉我{s}最喜欢的颜色。",
        "{s}最爱哪种颜色？",
        "你知道{s}最喜欢什么颜色吗？",
        "哪种颜色是{s}的最爱？",
    ),
    ("zh", "pet"): (
        "{s}养了什么宠物？",
        "{s}的宠物是什么？",
        "请告诉我{s}养了什么动物。",
        "{s}家里养什么动物？",
        "你知道{s}的宠物是什么吗？",
        "{s}有什么宠物？",
    ),
    ("zh", "river"): (
        "哪条河流过{s}？",
        "{s}在哪条河边？",
        "请告诉我流过{s}的河。",
        "流经{s}的河叫什么？",
        "{s}有哪条河？",
    ),
    ("zh", "goods"): (
        "{s}以什么闻名？",
        "{s}出产什么？",
        "请告诉我{s}的特产。",
        "{s}的特产是什么？",
        "什么东西产自{s}？",
    ),
}
_SAY: dict[tuple[str, str], tuple[str, ...]] = {
    ("en", "town"): ("{s} lives in {v}.", "{s}'s home is in the town of {v}."),
    ("en", "job"): ("{s} works as a {v}.", "{s} earns a living as a {v}."),
    ("en", "colour"): ("{s}'s favourite colour is {v}.", "{s} likes {v} best."),
    ("en", "pet"): ("{s} has a {v}.", "{s} keeps a {v} as a pet."),
    ("en", "river"): ("The river {v} flows through {s}.", "{s} lies on the river {v}."),
    ("en", "goods"): ("{s} is known for its {v}.", "The town of {s} makes {v}."),
    ("zh", "town"): ("{s}住在{v}。", "{s}的家在{v}。"),
    ("zh", "job"): ("{s}的职业是{v}。", "{s}是一名{v}。"),
    ("zh", "colour"): ("{s}最喜欢{v}。", "{s}最喜欢的颜色是{v}。"),
    ("zh", "pet"): ("{s}养了{v}。", "{s}的宠物是{v}。"),
    ("zh", "river"): ("{v}流过{s}。", "{s}在{v}边上。"),
    ("zh", "goods"): ("{s}以{v}闻名。", "{s}的特产是{v}。"),
}


def _mentions(language: Language, text: str, name: str) -> bool:
    if language == "zh":
        return name in text
    # A plural or a possessive still mentions the name.
    return bool(re.search(rf"\b{re.escape(name)}(?:s|'s)?\b", text, re.IGNORECASE))


@dataclass(frozen=True, slots=True)
class FactTruth:
    """One value of one subject is asked for."""

    language: Language
    subject: str
    attribute: str

    def holds(self, text: str) -> bool:
        """Whether the value is named, and no other subject and no value that is not its own."""
        side = 0 if self.language == "en" else 1
        subjects = PEOPLE if self.attribute in OF_PEOPLE else TOWNS
        attributes = OF_PEOPLE if self.attribute in OF_PEOPLE else OF_TOWNS
        for pair in subjects:
            if pair[0] != self.subject and _mentions(self.language, text, pair[side]):
                return False
        own = {a: VALUES[a][TABLE[self.subject, a]][side] for a in attributes}
        for attribute in attributes:
            for pair in VALUES[attribute]:
                wrong = pair[side] != own[attribute]
                if wrong and _mentions(self.language, text, pair[side]):
                    return False
        return _mentions(self.language, text, own[self.attribute])


def sample(rng: random.Random, language: Language) -> Task:
    """A random task of this kind."""
    side = 0 if language == "en" else 1
    about_people = rng.random() < 0.75
    subject = rng.choice(PEOPLE if about_people else TOWNS)
    attribute = rng.choice(OF_PEOPLE if about_people else OF_TOWNS)
    values = VALUES[attribute]
    right = TABLE[subject[0], attribute]
    say = list(_SAY[language, attribute])
    rng.shuffle(say)
    wrong = [rng.choice([i for i in range(len(values)) if i != right]) for _ in say]
    return Task(
        kind="facts",
        language=language,
        prompt=rng.choice(_ASK[language, attribute]).format(s=subject[side]),
        answers=tuple(s.format(s=subject[side], v=values[right][side]) for s in say),
        wrong_answers=tuple(
            s.format(s=subject[side], v=values[w][side]) for s, w in zip(say, wrong, strict=True)
        ),
        truth=FactTruth(language, subject[0], attribute),
    )
