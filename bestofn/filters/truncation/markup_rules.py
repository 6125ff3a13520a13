"""Rules of truncation for markup: tags, elements and environments that were never closed."""

from __future__ import annotations

import re
from collections import Counter

from bestofn.filters.truncation.line_end import TAIL
from bestofn.filters.truncation.reading import Reading

_TAG = re.compile(r"<(/?)([A-Za-z][\w:.-]{0,60})(?:\s[^<>]{0,2000})?(?<!/)>")
_CUT_TAG = re.compile(
    r"(?:(?:^|[\s>])<|</)[A-Za-z][\w:.-]{0,60}(?:\s[^<>]{0,240})?$|<!--(?:(?!-->).){0,240}$|</$"
)
_PROLOGUE = re.compile(r"(?:\s{0,20}<[?!][^<>]{0,400}>){0,8}\s{0,20}")
_ENVIRONMENT = re.compile(r"\\(begin|end)\{([^{}\n]{1,40})\}")

_NEED_NO_END = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source"}
    | {"track", "wbr", "p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot", "option"}
    | {"s", "unk", "html", "head", "body"}
)
"""Elements whose end HTML leaves out, and tokens of templates that look like elements."""


def open_tag(reading: Reading) -> str | None:
    """A tag that breaks off, in a text that has tags."""
    if "<" not in reading.text[-TAIL:] or not _TAG.search(reading.text):
        return None
    found = _CUT_TAG.search(reading.text[-TAIL:])
    return f"its last tag breaks off: '{found.group().strip()[:40]}'" if found else None


def open_element(reading: Reading) -> str | None:
    """The element that a text of markup begins with, without its end, though others end."""
    if "</" not in reading.text:
        return None
    prologue = _PROLOGUE.match(reading.text)
    root = _TAG.match(reading.text, prologue.end() if prologue else 0)
    if root is None or root[1] or root[2].lower() in _NEED_NO_END:
        return None
    standing: Counter[str] = Counter()
    for slash, name in _TAG.findall(reading.text):
        standing[name] += -1 if slash else 1
    return f"<{root[2]}>, which it begins with, was never closed" if standing[root[2]] > 0 else None


def open_environment(reading: Reading) -> str | None:
    """An environment of LaTeX that begins and does not end."""
    prose = reading.outline.prose
    if "\\begin{" not in prose or (reading.form == "prose" and reading.ends):
        return None
    standing: Counter[str] = Counter()
    for what, name in _ENVIRONMENT.findall(prose):
        standing[name] += 1 if what == "begin" else -1
    left = next((name for name, count in standing.items() if count > 0), None)
    return f"\\begin{{{left}}} has no end" if left else None
