"""Parsers of a judge's reply: a score, ranking, pick or winner, there as asked for, or nowhere.

A verdict is the value of a key in a JSON object, which is the whole reply, a fenced block at its
end, or its last line; or what follows the key and a colon in the last line (``Score: 7``), be that
a heading, an item of a list or a quotation (``### Final score: [[7]]``, ``- Score: 7 out of 10``,
``> Ranking: [2] > [1] > [3]``). What a reasoning model thinks before ``</think>`` is left out.
"""

from __future__ import annotations

import json
import re
from typing import Any, Literal

from bestofn.support.thoughts import without_thoughts

Winner = Literal["A", "B", "tie"]
"""Which of two answers is better."""

WINNERS: dict[str, Winner] = {"a": "A", "b": "B", "tie": "tie"}

_QUOTED = 80
"""Characters of a reply that an error quotes."""

_MARKUP = re.compile(r"[*_`]")
_MARK = re.compile(r"(?:#{1,6}\s+|[-+•>]\s+|\d+[.)]\s+)+")
"""What makes a line a heading, an item or a quotation; asterisks are gone with the markup."""

_BEFORE = r"(?:(?:the|my|final|overall)\s+){0,2}"
_BRACKETS = re.compile(r"\[\[([^\[\]]*)\]\]|\[([^\[\]]*)\]|\(([^()]*)\)")
_CALLED = re.compile(r"\b(?:answer|response|candidate)\s+#?(?=[0-9ab]\b)", re.IGNORECASE)
_NUMBER = re.compile(
    r"(-?\d+(?:\.\d+)?)(?:\s*(?:/|out\s+of|of)\s*(\d+))?(?:\s+points?)?", re.IGNORECASE
)
_BETWEEN = re.compile(r"\s*(?:>|,|\s)\s*")


def parse_score(text: str, low: int, high: int) -> float:
    """The score in a reply: a number from `low` to `high`; ``7/10`` counts where `high` is 10.

    Raises:
        ValueError: there is none, or it is out of the scale.
    """
    value = _verdict_value(text, "score")
    if isinstance(value, str):
        number = _NUMBER.fullmatch(_bare(value))
        if number is None or (number[2] is not None and int(number[2]) != high):
            raise ValueError(f"its score {_quote(value)} is no number from {low} to {high}")
        value = float(number[1])
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"its score {_quote(value)} is no number")
    if not low <= value <= high:
        raise ValueError(f"its score {value} is not from {low} to {high}")
    return float(value)


def parse_ranking(text: str, count: int) -> list[int]:
    """The places of the answers 1 to `count`, as places from 0, the best first.

    Raises:
        ValueError: it does not name each exactly once.
    """
    value = _verdict_value(text, "ranking")
    if isinstance(value, str):
        value = _BETWEEN.split(_bare(value))
    named = [str(each) for each in value] if isinstance(value, list) else []
    wanted = [str(number) for number in range(1, count + 1)]
    if sorted(named) != sorted(wanted):
        raise ValueError(
            f"its ranking {_quote(value)} does not name each answer from 1 to {count} exactly once"
        )
    return [int(each) - 1 for each in named]


def parse_pick(text: str, count: int) -> int:
    """The place of the best of the answers 1 to `count`, as a place from 0.

    Raises:
        ValueError: it names none of them.
    """
    value = _verdict_value(text, "best")
    if isinstance(value, str) and re.fullmatch(r"\d{1,9}", bare := _bare(value)):
        value = int(bare)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= count:
        raise ValueError(f"its best, {_quote(value)}, is no answer from 1 to {count}")
    return value - 1


def parse_winner(text: str) -> Winner:
    """Which answer is better.

    Raises:
        ValueError: it is neither A, B nor a tie.
    """
    value = _verdict_value(text, "better")
    winner = WINNERS.get(_bare(value).lower()) if isinstance(value, str) else None
    if winner is None:
        raise ValueError(f"{_quote(value)} is neither A, B nor tie")
    return winner


def _verdict_value(text: str, key: str) -> Any:
    """What a reply says under `key`."""
    text = _unfenced(without_thoughts(text))
    last = text.rpartition("\n")[2].strip()
    for part in (text, last):
        found = _json(part)
        if isinstance(found, dict) and key in found:
            return found[key]
    line = _MARKUP.sub("", last).strip()
    line = line[mark.end() :] if (mark := _MARK.match(line)) else line
    plain = re.fullmatch(rf"{_BEFORE}{key}\s*[:=]\s*(.+)", line, re.IGNORECASE)
    if plain is None:
        raise ValueError(f"its last line, {_quote(last)}, gives no {key}")
    return plain[1].strip()


def _bare(value: str) -> str:
    """A verdict without brackets, the word for what it is about, and the full stop."""
    inner = _BRACKETS.sub(lambda found: found[1] or found[2] or found[3] or "", value)
    return _CALLED.sub("", inner).strip().rstrip(".").strip()


def _unfenced(text: str) -> str:
    """What is in the fenced block that ends a text; the text itself where none does."""
    if not text.endswith("```"):
        return text
    block = text[:-3].rpartition("```")[2]
    return block.removeprefix("json").strip()


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _quote(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= _QUOTED else shown[:_QUOTED] + "..."
