"""Owns which last words of an English line announce more: "of", "is", "a new"."""

from __future__ import annotations

import re

from bestofn.filters import english

EARLY, SOME, LATE = 3, 6, 9
"""Words from which a line is open that ends in a word of `english.EARLY`, `RATHER` and `LATE`;
chosen on the tuning half of `benchmarks/filters.py`."""

NEAR = 9
"""Last words among which a relative word explains the last one."""

_PRONOUN = r"\b(?:I|[Yy]ou|[Ww]e|[Tt]hey|[Hh]e|[Ss]he|[Ii]t)"
_CUT_WORD = re.compile(
    rf"\s\S*[A-Za-z]{{3}}-$|\s[^\s/.:]*[A-Za-z]{{3}}/$|{_PRONOUN}['’](?:m|re|ve|ll|d)?$"
    r"|\b(?:don|doesn|didn|isn|aren|wasn|weren|hasn|haven|hadn|wouldn|couldn|shouldn)['’]?$"
    r"|\b(?:[Ii]t|[Tt]hat|[Tt]here|[Hh]ere|[Hh]e|[Ss]he)['’]s$|\s['‘]$"
)
"""A hyphen, a slash or an apostrophe that the rest of the word would follow, and short forms of
"is" and "have", which end no sentence."""


def open_english(line: str) -> str | None:
    """The last word of the line, where it announces more; time linear in the line's words."""
    words = line.split()
    if len(words) < 2:
        return line.strip() if words and words[0] in english.FIRST else None
    # An acronym ("an OR") is no such word, unless the line is in capitals.
    shouted = len(words) >= EARLY and "".join(words[-4:]).isupper()
    last = words[-1].lower() if shouted else words[-1]
    if last == "a" and words[-2].lower() in english.NAMED:
        return None
    is_open = (
        last in english.ALWAYS
        or _CUT_WORD.search(line)
        or _wants_a_noun(last, [word.lower() for word in words])
        or _wants_a_clause(last, [word.lower() for word in words])
    )
    return words[-1] if is_open else None


def _wants_a_noun(last: str, words: list[str]) -> bool:
    """Whether the line ends in an article, an adjective behind it, or a verb without object."""
    before = words[-2]
    if last == "an":
        return english.GERMAN.isdisjoint(words)
    if before in ("a", "an") and last in english.BEFORE_NOUNS:
        return True
    if before in ("the", "any", "no", "all") and last in english.BEFORE_ONE:
        return True
    if last in english.TRANSITIVE:
        return words[0] != "all" and english.OBJECTS.isdisjoint(words[-4:-1])
    return False


def _wants_a_clause(last: str, words: list[str]) -> bool:
    """Whether the line ends in an auxiliary, a preposition or the like that nothing explains."""
    size, before = len(words), words[-2]
    if size >= LATE and last in english.LATE:
        return True
    if not english.RELATIVE.isdisjoint(words[-NEAR:-1]):
        return False
    if last in english.AUXILIARY:
        return before not in english.SUBJECTS and english.COMPARING.isdisjoint(words[:-1])
    if last in english.EARLY:
        if before in english.WISHES or "to" in words[-4:-1]:
            return False
        if words[0] in ("the", "a", "not") and not english.SPEAKERS.isdisjoint(words):
            return False
        return size >= EARLY or last == "of"
    if last in ("in", "on", "by"):
        return size > EARLY and before not in english.PHRASAL
    return size >= SOME and last in english.RATHER
