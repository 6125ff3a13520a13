"""A task: a question of the embedded world with its answers and its ground truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from training.world.text import is_complete, is_in, is_looping

Language = Literal["en", "zh"]


class Truth(Protocol):
    """Decides whether what a text claims is right."""

    def holds(self, text: str) -> bool:
        """Whether every claim in `text` is true and the question is answered."""
        ...


@dataclass(frozen=True, slots=True)
class Task:
    """One question.

    Args:
        kind: which part of the world it is from: arithmetic, ordering, facts, listing, definitions.
        language: of the prompt; an answer in another language is wrong.
        prompt: what the user asks.
        answers: right answers as full sentences, in several phrasings; at least one.
        wrong_answers: plausible answers in the same phrasings with a wrong value; at least one.
        truth: the ground truth about the value.
    """

    kind: str
    language: Language
    prompt: str
    answers: tuple[str, ...]
    wrong_answers: tuple[str, ...]
    truth: Truth

    @property
    def answer(self) -> str:
        """The first right answer."""
        return self.answers[0]


def is_correct(task: Task, text: str) -> bool:
    """Whether `text` is an answer a careful person would take.

    It must be in the language of the prompt (in either for a bare formula), complete (end in a full
    stop or the like unless it is a bare value, no bracket left open), free of loops, and what it
    claims must be true. Phrasing is free otherwise; numbers have to stand in digits.
    """
    text = text.strip()
    return (
        is_complete(text)
        and (not any(map(str.isalpha, task.prompt)) or is_in(task.language, text))
        and not is_looping(text)
        and task.truth.holds(text)
    )
