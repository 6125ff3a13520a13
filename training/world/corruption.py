"""Faults of answers: how one comes to loop, to stop short or to miss the instruction."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import Literal

from training.world.task import Task

Fault = Literal["none", "wrong", "loop", "cut", "off_instruction", "garbled"]

ENDLESS = 400
"""Characters after which a loop that never ends is handed over without an end."""

_OPENERS = {
    "en": (",", " (", " and", " because", " or", ", but"),
    "zh": ("，", "（", "、", "和", "因为", "，但是"),
}
_UNIT = {"en": re.compile(r"\S+\s?"), "zh": re.compile(r"\d+|.")}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as a model might give it.

    Args:
        text: what it says.
        ended: whether the model ended it by itself; an endless loop has no end.
        fault: what is wrong with it.
    """

    text: str
    ended: bool
    fault: Fault


def right(rng: random.Random, task: Task) -> Answer:
    """A right answer in a random phrasing."""
    return Answer(rng.choice(task.answers), True, "none")


def wrong(rng: random.Random, task: Task) -> Answer:
    """A complete answer with a wrong value."""
    return Answer(rng.choice(task.wrong_answers), True, "wrong")


def loop(rng: random.Random, task: Task) -> Answer:
    """An answer that repeats itself: all of it, its tail, or one of its clauses or words.

    A third of the loops never end.
    """
    text = rng.choice(task.answers + task.wrong_answers)
    units = _UNIT[task.language].findall(text)
    gap = "" if task.language == "zh" else " "
    draw = rng.random()
    if draw < 0.5:
        head, period = "", text + gap
    elif draw < 0.9:
        length = rng.randint(min(2, len(units)), min(8, len(units)))
        head = "".join(units[:-length])
        period = "".join(units[-length:]).rstrip(".。 ") + rng.choice(
            ("，", "、") if gap == "" else (", ", " ")
        )
    else:
        start = rng.randrange(max(1, len(units) - 3))
        length = rng.randint(1, min(5, len(units) - start))
        head = "".join(units[:start])
        period = "".join(units[start : start + length])
        if len(period.strip()) < 2:
            period = period.strip() + ("、" if gap == "" else ", ")
    if rng.random() < 1 / 3:
        return Answer((head + period * (ENDLESS // len(period) + 1))[:ENDLESS], False, "loop")
    times = rng.randint(5, 14)
    body = (head + period * times).rstrip()
    tail = rng.choice(("", "。" if gap == "" else "."))
    return Answer(body.rstrip(",，、 ") + tail if tail else body, True, "loop")


def cut(rng: random.Random, task: Task) -> Answer:
    """An answer that stops midway, mostly after a comma, a conjunction or an open bracket."""
    text = rng.choice(task.answers + task.wrong_answers)
    units = _UNIT[task.language].findall(text)
    kept = "".join(units[: rng.randint(1, max(1, len(units) - 1))]).rstrip(" .。,，、(（")
    opens = [m.end() for m in re.finditer(r"[,，、(（:：](?=.)", text)]
    if opens and rng.random() < 0.5:
        kept = text[: rng.choice(opens)]
    elif rng.random() < 0.75:
        kept += rng.choice(_OPENERS[task.language])
    return Answer(kept, True, "cut")


def off_instruction(rng: random.Random, task: Task, other: Task) -> Answer:
    """A faultless answer to another question, `other`, which may be in another language."""
    return Answer(rng.choice(other.answers), True, "off_instruction")


def garbled(rng: random.Random, task: Task, other: Task) -> Answer:
    """A right answer with one word (or Chinese character, or number) lost, doubled or foreign."""
    units = _UNIT[task.language].findall(rng.choice(task.answers))
    place = rng.randrange(len(units))
    draw = rng.random()
    if draw < 0.25:
        new = ""
    elif draw < 0.4:
        new = units[place] * 2
    else:
        new = rng.choice(_UNIT[other.language].findall(rng.choice(other.answers)))
        if draw < 0.6:
            new = units[place] + new
    return Answer("".join((*units[:place], new, *units[place + 1 :])), True, "garbled")
