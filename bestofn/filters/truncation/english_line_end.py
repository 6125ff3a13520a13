"""Last words of an English line that announce more: "of", "is", "doesn't"."""

from __future__ import annotations

import itertools
import re

from bestofn.filters.truncation import english_words as english

EARLY, SOME, LATE = 3, 5, 8
"""Words from which a line is open that ends in a word of `english.EARLY`, in a participle or a
particle, and in a word of `english.LATE`; chosen on the tuning half of `benchmarks/filters.py`."""

NEAR = 9
"""Last words among which a relative word explains the last one."""

_PRONOUN = r"\b(?:I|[Yy]ou|[Ww]e|[Tt]hey|[Hh]e|[Ss]he|[Ii]t)"
_CUT_WORD = re.compile(
    rf"(?:^|\s)\S*[A-Za-z]{{3}}-$|{_PRONOUN}['’](?:m|re|ve|ll|d)?$"
    r"|\b(?:don|doesn|didn|isn|aren|wasn|weren|hasn|haven|hadn|wouldn|couldn|shouldn)['’]?$"
    r"|\b(?:[Ii]t|[Tt]hat|[Tt]here|[Hh]ere|[Hh]e|[Ss]he)['’]s$|\b(?:[Tt]hat|[Tt]here)['’](?:ll|d)$"
    r"|\s['‘]$|\s(?:and|or) (?:this|these|those)$"
)
"""A hyphen or an apostrophe that the rest of the word would follow, and short forms of
"is" and "have", which end no sentence; "and this", whose noun is missing."""

_CLAUSE = re.compile(
    r"\b(?:if|whether|because|when|where|while|unless|although|though|which|what|how|why)"
    r" (?:I|we|they|he|she|you|it|there)$"
    r"|; (?:I|we|they|he|she|you|it)$|, (?:I|we|they|he|she)$|\b(?:just|is|are|was|were|not) like$"
    r"|\b(?:so|and|but|that|something|anything|everything|everyone) (?:I|we|they|he|she)$"
    r"|(?<!\b[Ii]s )(?<!\b[Ww]as )\b(?:that|if|whether|because|when|while|unless|although|though)"
    r" (?:the|an?|my|your|his|its|our|their|these|those) [\w'’-]+$"
    r"|\b(?:there is|there was|there are|there were|there's|has|have|had) no$"
    r"|\b(?:is|are|was|were|be|been) \w+(?:ed|en) by$"
)
"""A clause that has its conjunction and its subject, and no verb ("that the computer", "so we");
and what wants a noun ("there is no", "is dominated by")."""

_ADJECTIVE = re.compile(
    rf"(?i)(?:\s|^)(?:(?:an?|every) (?:{'|'.join(sorted(english.ADJECTIVES))})"
    r"|the (?:given|specified|implied|aforementioned|so-called|entire))$"
)
"""An article and an adjective, whose noun is missing."""

_POSSESSIVE = re.compile(
    r"^(?!.*\b(?i:at|to|from|of) (?:\w+ )?\w+['’]s$).*\b[a-z]+['’]s$|^[^'’`]*(?<!in)['’]$"
)
"""A noun's "s" without what it has (but "at the doctor's"); or the apostrophe alone, where it ends
no quotation."""

_NOUN_AND_RELATIVE = re.compile(
    r"(?i)\b(?:an?|the|any|every|all|no|each)(?: (?!(?:of|to|in|on|at|by|for|with|from|about|than"
    r"|like|and|or|do|did|does|know|said|is|was)\b)[\w'’-]+){1,3} (?:that|who|which|where|when)$"
)
"""A noun with its article, and the first word of a relative clause ("a tool that")."""


def english_open_end(line: str) -> str | None:
    """The last word of the line, where it announces more; time linear in the line's words."""
    words = line.split()
    if len(words) < 2:
        return line.strip() if words and words[0] in english.FIRST else None
    # An acronym ("an OR") is no such word, unless the line is in capitals.
    shouted = len(words) >= EARLY and "".join(words[-4:]).isupper()
    last = words[-1].lower() if shouted else words[-1]
    if last == "a" and words[-2].lower() in english.NAMED:
        return None
    lowered = [word.lower() for word in words]
    if last == "an":
        is_open = english.GERMAN.isdisjoint(lowered)
    elif last == "no" and not english.ROMANCE.isdisjoint(lowered):
        is_open = False
    else:
        is_open = (
            last in english.ALWAYS
            or (last in english.FIRST and words[-2][-1] in ".:;!?")
            or _CUT_WORD.search(line) is not None
            or (len(words) >= EARLY and _POSSESSIVE.search(line) is not None)
            or any(form.search(line) for form in (_NOUN_AND_RELATIVE, _CLAUSE, _ADJECTIVE))
            or _wants_more(last, lowered)
        )
    return words[-1] if is_open else None


def _wants_more(last: str, words: list[str]) -> bool:
    """Whether the line ends in an auxiliary, a preposition or the like that nothing explains."""
    size, before = len(words), words[-2]
    explained = words[-NEAR:-1]
    if size <= NEAR and words[0] in english.INDEFINITE:
        explained = explained[1:]  # the subject of the sentence: "nothing can be done in"
    if not english.RELATIVE.isdisjoint(explained):
        return False
    if size >= LATE and last in english.LATE and english.SPEAKERS.isdisjoint(words[1:]):
        return True
    if last in english.PARTICIPLES:
        return size >= SOME and english.COMPARING.isdisjoint(words[:-1])
    if last in english.AUXILIARY:
        return before not in english.SUBJECTS and english.COMPARING.isdisjoint(words[:-1])
    if last in english.EARLY:
        if before in english.WISHES or _infinitive(words[-5:-1]):
            return False
        if not english.SPEAKERS.isdisjoint(words[1:]):
            return False
        return size >= EARLY or last == "of"
    if last in ("in", "on", "by"):
        return size >= SOME and before not in english.PHRASAL
    return False


def _infinitive(words: list[str]) -> bool:
    """Whether one of the last three words is the "to" of an infinitive, as against "up to"."""
    return any(
        word == "to" and before not in english.UP for before, word in itertools.pairwise(words)
    )
