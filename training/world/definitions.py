"""Defining a word in one or two sentences."""

from __future__ import annotations

import random
from dataclasses import dataclass

from training.world.glossary import CHINESE, ENGLISH, Entry
from training.world.task import Language, Task

_ASK = {
    "en": (
        "What is {t}?",
        "Define {t}.",
        "Please explain what {t} is.",
        "Can you tell me what {t} is?",
        "Tell me in a sentence what {t} is.",
        "Explain: what is {t}?",
        "How would you define {t}?",
        "Give a short definition of {t}.",
        "I want to know what {t} is.",
        "In short, what is {t}?",
        "Could you explain what {t} is?",
        "What do we mean by {t}?",
    ),
    "zh": (
        "什么是{t}？",
        "{t}是什么？",
        "请解释什么是{t}。",
        "请给{t}下一个定义。",
        "你能告诉我{t}是什么吗？",
        "用一句话说明什么是{t}。",
        "解释一下{t}。",
        "请简单介绍{t}。",
        "我想知道什么是{t}。",
        "怎样定义{t}？",
        "说说{t}是什么。",
        "{t}的意思是什么？",
    ),
}
_SAY = {
    "en": ("{T} is {g} {d}.", "{T} is {g} {d}. {e}"),
    "zh": ("{T}是{g}，{d}。", "{T}是{g}，{d}。{e}"),
}


@dataclass(frozen=True, slots=True)
class DefinitionTruth:
    """A definition has to contain its own two keys and none of another word's."""

    language: Language
    entry: Entry

    def holds(self, text: str) -> bool:
        """Whether the text has exactly the entry's keys, and names no other word as its subject."""
        lowered = text.lower()
        if not all(key in lowered for key in self.entry.keys):
            return False
        for entry in _entries(self.language):
            if entry is self.entry or entry.term == self.entry.term:
                continue
            if lowered.startswith(entry.term):
                return False
            own = " ".join((self.entry.genus, self.entry.detail, self.entry.extra))
            if any(key in lowered for key in entry.keys if key not in own):
                return False
        return True


def sample(rng: random.Random, language: Language) -> Task:
    """A random task of this kind."""
    entries = _entries(language)
    entry = rng.choice(entries)
    templates = list(_SAY[language])
    rng.shuffle(templates)
    wrong = []
    for template in templates:
        other = rng.choice([e for e in entries if e is not entry])
        draw = rng.random()
        genus = other.genus if draw < 0.65 else entry.genus
        detail = other.detail if draw > 0.35 else entry.detail
        extra = rng.choice((entry.extra, other.extra))
        wrong.append(_phrase(template, entry.term, genus, detail, extra))
    return Task(
        kind="definitions",
        language=language,
        prompt=rng.choice(_ASK[language]).format(t=entry.term),
        answers=tuple(
            _phrase(template, entry.term, entry.genus, entry.detail, entry.extra)
            for template in templates
        ),
        wrong_answers=tuple(wrong),
        truth=DefinitionTruth(language, entry),
    )


def _entries(language: Language) -> tuple[Entry, ...]:
    return ENGLISH if language == "en" else CHINESE


def _phrase(template: str, term: str, genus: str, detail: str, extra: str) -> str:
    capital = term[0].upper() + term[1:]
    return template.format(T=capital, g=genus, d=detail, e=extra)
