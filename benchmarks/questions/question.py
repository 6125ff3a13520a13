"""A question with a checkable answer, and the ways to make many of a table.

Of the answers of its kind that a text names and the question does not, the first counts: "Canberra,
not Sydney" is right, "Sydney or Canberra" is not. How answers are voted on (`bestofn.answers`) has
no part in it.
"""

from __future__ import annotations

import functools
import random
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and how its answers are told apart.

    Args:
        prompt: as it is asked.
        kind: of its answers: "capital", "sum", ...
        language: "en", "es" or "zh".
        right: every way to say the answer; one is enough. Accents do not matter.
        rivals: answers of the same kind that are wrong here; None: every number.
    """

    prompt: str
    kind: str
    language: str
    right: tuple[str, ...]
    rivals: frozenset[str] | None

    def is_right(self, text: str) -> bool:
        """Whether the first answer of its kind that `text` names is right."""
        said, asked = _plain(text), _plain(self.prompt)
        if self.rivals is None:
            held = _NUMBER.findall(asked)
            return next((n for n in _NUMBER.findall(said) if n not in held), None) in self.right
        places = [
            (found.start(), form not in self.right)
            for form in {*self.right, *self.rivals}
            if (found := _form(form).search(said)) and not _form(form).search(asked)
        ]
        return bool(places) and not min(places)[1]


_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_ACCENT = re.compile(r"[\u0300-\u036f]")


def _plain(text: str) -> str:
    """Without accents, full-width forms and the commas of thousands."""
    text = _ACCENT.sub("", unicodedata.normalize("NFKD", text))
    return re.sub(r"(?<=\d),(?=\d{3})", "", text)


@functools.cache
def _form(form: str) -> re.Pattern[str]:
    """A whole word, in any case unless it is a symbol; Chinese puts no spaces between words."""
    form = _plain(form)
    if not form.isascii():
        return re.compile(re.escape(form))
    case = 0 if form[0].isupper() and len(form) <= 2 else re.IGNORECASE
    return re.compile(rf"(?<![A-Za-z0-9]){re.escape(form)}(?![A-Za-z0-9])", case)


def _table(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What is asked about, and the ways to say the answer: ``Ukraine Kyiv=Kiev|...``."""
    for entry in re.split(r"[|\n]", text):
        asked, _, answers = entry.partition(" ")
        yield asked.replace("_", " "), tuple(answers.replace("_", " ").split("="))


def asked(template: str, kind: str, table: str, language: str) -> Iterator[Question]:
    """One question a row; the other rows' answers are rivals."""
    rows = list(_table(table))
    every = {answer for _, answers in rows for answer in answers}
    for about, right in rows:
        rivals = frozenset(every - set(right) - {about})
        yield Question(template.format(about), kind, language, right, rivals)


def numbered(template: str, kind: str, table: str, language: str) -> Iterator[Question]:
    """One question a row, whose answer is a number."""
    for about, right in _table(table):
        yield Question(template.format(about), kind, language, right, None)


def calculated(templates: Mapping[str, str], count: int, language: str) -> Iterator[Question]:
    """Sums, differences and products whose answers no operand gives away."""
    drawn, found = random.Random(f"questions {language}"), set[str]()
    while len(found) < count:
        sign = drawn.choice(sorted(templates))
        most = 9 if sign == "*" else 30
        a, b = sorted((drawn.randint(2, most), drawn.randint(2, most)), reverse=True)
        value = {"+": a + b, "-": a - b, "*": a * b}[sign]
        prompt = templates[sign].format(a, b)
        if value not in (a, b, 0) and prompt not in found:
            found.add(prompt)
            yield Question(prompt, "sum", language, (str(value),), None)


def following(template: str, kind: str, names: Sequence[str], language: str) -> Iterator[Question]:
    """What comes after each of a circle of names."""
    for at, name in enumerate(names):
        right = names[(at + 1) % len(names)]
        yield Question(template.format(name), kind, language, (right,), frozenset(names) - {right})
