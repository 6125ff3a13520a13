"""Signs that a sentence without a stop breaks off, and is no title or short answer.

A title has no finite verb, and a sentence that ends in what it says of its subject ("The capital of
France is Paris") is complete. What is left is judged by its size: a short answer often has no stop
("There are seven days in a week"), the last paragraph of a longer text has one. Thresholds were
chosen on the tuning half of `benchmarks/filters.py`.
"""

from __future__ import annotations

import re

from bestofn.filters.truncation.line_end import TAIL

ALONE = 9
"""Words from which a sentence with a finite verb is expected to end though it is all the text."""

AMONG = 6
"""Words from which it is so where other paragraphs are before it."""

OPENED = 5
"""Words from which "If ..." without its main clause is no answer by itself."""

INTRODUCED = 7
"""Words from which a sentence with an introduction before a comma, or a semicolon, is none."""

CJK_ALONE, CJK_AMONG, CJK_OPENED = 9, 5, 3.5
"""The same for Chinese, where a character is half a word."""

_FINITE = re.compile(
    r"(?i)\b(?:is|are|was|were|am|be|has|have|had|will|would|can|could|may|might|must|should|shall"
    r"|do|does|did|cannot|let|I|you|he|she|we|they|it|there|who|which|that|when|if|because)\b"
    r"|n['’]t\b|['’](?:s|re|ll|ve|d|m)\b"
)
"""A verb that only sentences have, or a pronoun that is a subject or opens a clause."""

_SUMMARY = re.compile(
    r"(?:Add|Apply|Assert|Build|Call|Called|Check|Class|Classes|Close|Compute|Construct|Convert|Copy"
    r"|Create|Decorator|Delete|Determine|Emit|Ensure|Fail|Find|Format|Function|Generate|Get|Handle"
    r"|Helper|Initiali[sz]e|Load|Make|Method|Open|Parse|Print|Raise|Read|Register|Remove|Replace|Return"
    r"|Run|Save|Send|Set|Show|Store|Test|Try|Update|Verify|Wrap|Wrapper|Write)(?:s|es)?\b"
)
"""First words of the summary of a function or a command ("Check that the file is", "Returns what
is"), whose writers leave out the stop."""

_PREDICATE = re.compile(
    r"(?i)(?:\b(?:is|are|was|were|am|be|been|being|become|called|named|means)|['’](?:s|re|m))"
    r"(?:\s+(?:not|a|an|the|in|on|at|about|by|to|for))*(?:\s+\S+){0,4}$"
)
"""The verb and what it says of its subject, in a few words, at the end."""

_SUBORDINATE = re.compile(
    r"(?:If|Although|Though|Unless|Whenever|Even (?:if|though)|In case"
    r"|(?:When|While|Once(?! upon| there)|Until|As(?! \w+ as\b)|Since)(?= (?:\S+ ){3}))"
    r"\s+[a-z“\"'I][^,]*$"
)
_INTRODUCTION = re.compile(
    r"(?:In|On|At|By|For|With|Without|After|Before|During|From|To|As|When|If|While|Since|Although"
    r"|Because|Unlike|Like|Under|Despite|Given)\b[^,]*, [a-z]"
)
_ENTRY = re.compile(
    r"[~/][\w.~/*-]{1,80}\s+\S|--?\w|[\w.]{1,60}\([^()]{0,80}\) ?--?> \S"
    r"|[^\s。.]{1,60}(?:, [^\s。.]{1,40}){0,3} --? "
    r"|(?:[a-z]\w*_\w*|[a-z]+[A-Z]\w*|[`*]{1,2}\w[^\s`*:]{0,40}[`*]{1,2}|[a-z]{2,20}):\s+(?=[^\W\d_A-Z])"
)
"""An option of a command, or a name and what it means ("bases: the tuple of bases"): their
descriptions often have no stop."""

_CJK_SUBORDINATE = re.compile(r"(?:如果|虽然|尽管|即使|假如|倘若|无论|不管|既然|每当|一旦)[^，,]*$")
_CJK_FINITE = re.compile(r"[是会了必须应该需要你您我他她它们将被把让使用有在从到能]|可以")
_CJK_PREDICATE = re.compile(r"(?:[是为叫]|位于|等于|[:：])[^，。是]{1,8}$")


def is_entry(line: str) -> bool:
    """Whether the line is an option of a command, or a name and what it means."""
    return _ENTRY.match(line.strip()) is not None


def is_summary(sentence: str) -> bool:
    """Whether the sentence begins as the summary of a function does."""
    return _SUMMARY.match(sentence) is not None


def is_title(words: list[str]) -> bool:
    """Whether most of the longer words, the first aside, have a capital."""
    longer = [word for word in words[1:] if len(word) > 3 and word[0].isalpha()]
    return bool(longer) and sum(word[0].isupper() for word in longer) > 0.6 * len(longer)


def is_plain(sentence: str) -> bool:
    """Whether the words begin like a sentence, and neither are a title nor end in a predicate."""
    words = sentence.split()
    begins = bool(words) and words[0][0].isupper() and words[-1][0].islower()
    return begins and not is_title(words) and not _PREDICATE.search(sentence[-TAIL:])


def stops_short(sentence: str, size: float, *, cjk: bool, alone: bool) -> bool:
    """Whether `sentence`, of `size` words and without a stop at its end, should have one.

    `cjk` says that it is to be read as Chinese, `alone` that the text has nothing else.
    """
    sentence = " ".join(sentence.split())
    if _ENTRY.match(sentence):
        return False
    if cjk:
        return _stops_short_cjk(sentence, size, CJK_ALONE if alone else CJK_AMONG)
    return _stops_short(sentence, size, ALONE if alone else AMONG)


def _stops_short(sentence: str, size: float, clause: int) -> bool:
    words = sentence.split()
    if is_title(words) or not sentence[:1].isupper():
        return False
    if size >= OPENED and _SUBORDINATE.match(sentence):
        return True
    if size >= INTRODUCED and (_INTRODUCTION.match(sentence) or "; " in sentence):
        return True
    if size < clause or not words[-1][0].islower() or not _FINITE.search(sentence):
        return False
    if is_summary(sentence):
        return False
    return size >= ALONE or not _PREDICATE.search(sentence[-TAIL:])


def _stops_short_cjk(sentence: str, size: float, clause: int) -> bool:
    if size >= CJK_OPENED and _CJK_SUBORDINATE.match(sentence):
        return True
    if size < clause or _CJK_PREDICATE.search(sentence):
        return False
    return _CJK_FINITE.search(sentence) is not None
