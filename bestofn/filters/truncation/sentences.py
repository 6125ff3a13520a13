"""Sentences of a paragraph: how many words it has, its last sentence, and whether that has an end.

>>> from bestofn.filters.truncation.sentences import last_sentence, weight
>>> last_sentence("It is cold. It is"), weight("It is cold. 天气")
(('It is', True), 4.0)
"""

from __future__ import annotations

import re

from bestofn.filters.truncation.line_end import TAIL, ends_sentence

_INNER_STOP = re.compile(
    r"(?<!\b[A-Z])(?<!\b(?:Mr|Dr|St|vs|cf|No))(?<!\b(?:Mrs|etc|e\.g|i\.e|Fig|Vol))[.!?][\"')\]”’*_]*\s+"
    r"(?=[\"'(\[“‘*_`]*[^\W\d_a-z])"
    r"|[。！？｡؟।۔॥։።။។][”’」』）)\"']*\s*(?=\S)|(?<=[぀-ヿ㐀-䶿一-鿿])[.!?](?=\s*[぀-ヿ㐀-䶿一-鿿])"
)
"""A sentence end with another sentence after it: a capital or a letter of a script without case."""

CJK = re.compile(r"[぀-ヿ㐀-䶿一-鿿]")
_LETTER = re.compile(r"[^\W\d_]")
_UNPUNCTUATED = re.compile(r"[\u0e00-\u0eff]")
"""Thai and Lao, which end sentences with a space."""

_ADDRESS = re.compile(
    r"\w://|www\.|\w@\w|^[#＃@＠]\w|/[\w.~-]+/|\.(?:com|org|net|io|html?|pdf|txt|md|py|[jt]s|json|ya?ml"
    r"|toml|cfg|ini|log|sh|rb|rs|go|cpp|java|css|csv|xml|sql|zip|gz|png|jpe?g|svg|exe|dll)[>)\]\"'`]*$"
    r"|`[)*_]*$|^\(\[?#\d{1,7}\]?\)$|^\W?[A-Za-z_]\w+(?:\.[A-Za-z_]\w+){2,8}\W?$|^\W?(?=[\w.]*_)[A-Za-z_]\w+\.[A-Za-z_]\w+\W?$"
)
"""What shows that the last word is an address, a path, a dotted name of a program or a code span:
complete without a stop."""

_FORMULA = re.compile(
    r"[=+<>≤≥≈→⇒] *[^\s぀-ヿ㐀-鿿，。]{1,60}$|\$$|\\[)\]]$|^\s*[$#] |;\s+(?:#|//)"
    r"|[{\[][^{}\[\]\n]{1,80}[\]}][\s\]}]{0,9}$|[)\]}];$"
)
"""The right side of a formula, or a command: complete without a stop."""


def weight(text: str) -> float:
    """How many words `text` has; a CJK character counts half a word."""
    cjk = len(CJK.findall(text))
    words = CJK.sub(" ", text).split()
    return cjk / 2 + sum(_LETTER.search(word) is not None for word in words)


def last_sentence(text: str) -> tuple[str, bool]:
    """(what follows the last inner sentence end, whether there is one)."""
    end = max((stop.end() for stop in _INNER_STOP.finditer(text)), default=0)
    return text[end:], end > 0


def punctuated(line: str) -> bool:
    """Whether the line ends a sentence, or announces with a colon what follows it."""
    return ends_sentence(line) or line.rstrip().rstrip("*_")[-1:] in (":", "：")


def needs_no_stop(line: str) -> bool:
    """Whether the line ends in an address, a path, code, a formula, or a script without stops."""
    tail = line[-TAIL:]
    words = tail.split()
    return bool(
        _FORMULA.search(tail)
        or (words and _ADDRESS.search(CJK.split(words[-1])[-1]))
        or _UNPUNCTUATED.search(tail[-20:])
    )
