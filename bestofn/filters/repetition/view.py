"""What stands around a loop: data, code, lines of a list, the verses of a song."""

from __future__ import annotations

import itertools
import re
from functools import cached_property

import numpy as np

from bestofn.filters.repetition.asked import READ, asked_for
from bestofn.filters.repetition.cycles import Cycle
from bestofn.filters.repetition.pieces import are_pieces
from bestofn.filters.repetition.segmentation import (
    Ids,
    Mask,
    Segments,
    code_mask,
    data_mask,
    formula_mask,
    line_numbers,
)
from bestofn.support.program_text import looks_like_code

_LITERAL = re.compile(
    r"(?:[\\|&\"'*$×]\s?){1,2}[\w-]{1,12}[\s,\"'|&*$×]{0,4}|[\w-]{1,12}\s?[|&*$×\"']{1,2},?"
    r"|(?:null|none|nil|true|false|nan|x|×)\s?,?|,\s?(?:null|none|nil|true|false|nan)"
    r"|\d+\s?[x×]|[x×]\s?\d+",
    re.IGNORECASE,
)
"""A unit of one word among marks of code, formulas and tables: a command of LaTeX, 'p', 2 x."""

_KEY = re.compile(r"[\"'][^\"'\n]{1,80}[\"']\s*:")
"""A key and its value outside of brackets: an object that says them again is no data."""

_QUOTED = re.compile(r"([\"'])(?:(?!\1).){0,80}\1|[\"'][^\s\"']{1,80}\Z")
_WORDS = re.compile(r"[^\W\d_]")

LITERAL_COPIES = 40
"""Copies from which even a literal is a loop: a chess board has 8 pawns, a UUID 32 zeros."""

VALUES = 12
"""Different words of quoted texts that are a list's equal values at most."""

VERSE_LINES, VERSE_WORDS = 6, 10
"""Lines that a song has at least, and words of its longer lines at most."""

SECTIONS = 12
"""Sections that may be alike but for their headings: as many as a year has months."""

_HEADING = re.compile(r"\s{0,3}(?:#{1,6}\s|\*\*[^*\n]{1,80}\*\*:?\s*$|__[^_\n]{1,80}__:?\s*$)")

FILLER_COPIES = 12
"""Copies from which filler text in code is a loop."""

_FILLER = re.compile(r"[^\W\d_][\w ,'’-]{8,}[.!?。]")
REFRAIN, REFRAIN_UNIT = 60, 4
"""Words that a refrain within verses repeats at most, and words of one copy ("ding dong ding")."""

KEY, RECORD = 7, 30
"""Tokens of a line within which its key stands, marks included; and of a record at most."""

SHORT_LINE = 8
"""Words of a line of a litany at most."""

_VERSE = re.compile(
    r"(?i)\b(?:songs?|lyrics?|poems?|rhymes?|chants?|hymns?|lied|gedicht|chanson|poème|canción|poema"
    r"|canzone|песн\w*|стих\w*)\b|[歌诗詩]|노래"
)

_MARKUP = re.compile(r"^[\W_]*$|[|`{}<>=\\]|^[#*-]\s|\d")


class View:
    """A text's tokens, and what they stand in, found when it is asked for.

    Args:
        segments: the tokens.
        prompt: what was asked.
        unfinished: whether more may follow: what that may excuse, is excused.
    """

    def __init__(self, segments: Segments, prompt: str, *, unfinished: bool = False) -> None:
        self.segments = segments
        self.unfinished = unfinished
        self.prompt = prompt
        self._free: list[tuple[int, int]] = []

    def free(self, cycle: Cycle) -> None:
        """Let the loop pass, at any period and in any rule."""
        self._free.append((cycle.start, cycle.start + cycle.length))

    def is_free(self, cycle: Cycle) -> bool:
        """Whether most of the loop lies in one that was let pass."""
        end = cycle.start + cycle.length
        return any(
            min(end, last) - max(cycle.start, first) > 0.7 * cycle.length
            for first, last in self._free
        )

    @property
    def mostly_free(self) -> bool:
        """Whether more than half of the text lies in loops that were let pass."""
        return any(last - first > 0.5 * len(self.segments) for first, last in self._free)

    def is_asked_for(self, cycle: Cycle, *, data: bool) -> bool:
        """Whether the prompt asks for such a loop; of data, a number in the prompt is enough."""
        tokens = 1 if data else cycle.period
        unit = self.unit(cycle)
        return asked_for(self.prompt, unit, tokens, cycle.copies, growing=self.unfinished)

    @cached_property
    def data(self) -> Mask:
        """(tokens,) True in lines of data."""
        return data_mask(self.segments)

    @cached_property
    def code(self) -> Mask:
        """(tokens,) True in fenced code and code spans."""
        return code_mask(self.segments)

    @cached_property
    def formulas(self) -> Mask:
        """(tokens,) True in formulas of TeX."""
        return formula_mask(self.segments)

    @cached_property
    def is_code(self) -> bool:
        """Whether the whole text is a program without a fence."""
        return looks_like_code(self.segments.text)

    @cached_property
    def lines(self) -> Ids:
        """(tokens,) the line of each token."""
        return line_numbers(self.segments)

    def unit(self, cycle: Cycle) -> str:
        """The text of the loop's first copy."""
        begin, end = self.segments.span(cycle.start, cycle.start + cycle.period)
        return self.segments.text[begin:end]

    def spans_lines(self, cycle: Cycle) -> bool:
        """Whether the loop goes over several lines."""
        return bool(self.lines[cycle.start + cycle.length - 1] > self.lines[cycle.start] + 1)

    def is_structured(self, cycle: Cycle) -> bool:
        """Whether more than half of the loop stands in data or code."""
        part = slice(cycle.start, cycle.start + cycle.length)
        return bool(np.mean(self.data[part] | self.code[part]) > 0.5)

    def is_literal(self, cycle: Cycle) -> bool:
        """Whether the loop is a list of equal values: short quoted texts only, or one word among
        marks of code, a formula or a table."""
        if cycle.copies >= LITERAL_COPIES or self._is_apostrophe(cycle):
            return False
        unit = slice(cycle.start, cycle.start + cycle.period)
        said = self.segments.ids[unit][self.segments.content[unit]]
        marks = max(map(self.unit(cycle).count, "\"'"))  # two for each text
        if 0 < len(np.unique(said)) <= VALUES and len(said) <= 2 * marks:
            for text in self._quoted(cycle):
                if not _WORDS.search(_QUOTED.sub("", text)):
                    data = "{" in text or "}" in text or _KEY.search(text) is None
                    return data and not self.is_broken(cycle)
        return len(said) <= 1 and _LITERAL.fullmatch(self.unit(cycle).strip()) is not None

    def _is_apostrophe(self, cycle: Cycle) -> bool:
        """Whether a word and an apostrophe alone repeat: doesn'doesn'doesn'."""
        return cycle.period == 2 and self.unit(cycle).count("'") == 1

    def _quoted(self, cycle: Cycle) -> tuple[str, ...]:
        """The text of three copies, from the first quotation mark on, and from the second: either
        may open."""
        last = min(cycle.start + 3 * cycle.period, cycle.start + cycle.length)
        begin, end = self.segments.span(cycle.start, last)
        text = self.segments.text[begin:end]
        marks = [place for place in (text.find('"'), text.find("'")) if place >= 0]
        if not marks:
            return (text,)
        first = min(marks)
        second = text.find(text[first], first + 1)
        return tuple(text[place:].rstrip("\"'") for place in (first, max(first, second)))

    def is_broken(self, cycle: Cycle) -> bool:
        """Whether the copies are cut pieces; see `pieces.are_pieces`."""
        begin, end = cycle.start, cycle.start + cycle.copies * cycle.period
        starts = [
            *self.segments.starts(begin, end, cycle.period),
            self.segments.span(end - 1, end)[1],
        ]
        return are_pieces([self.segments.text[a:b] for a, b in itertools.pairwise(starts)])

    def is_stub(self, cycle: Cycle) -> bool:
        """Whether a function's head and docstring stand twice in code that goes on: a stub given
        back, and the function itself."""
        return (
            cycle.copies == 2
            and (self.unfinished or cycle.start + cycle.length < len(self.segments))
            and self.is_code
            and any(mark in self.unit(cycle) for mark in ('"""', "'''", "/*"))
        )

    def is_filler(self, cycle: Cycle) -> bool:
        """Whether the loop is a sentence said a few times on one line of code, as filler text."""
        part = slice(cycle.start, cycle.start + cycle.length)
        return (
            cycle.copies < FILLER_COPIES
            and bool(np.all(self.code[part]))
            and not self.spans_lines(cycle)
            and _FILLER.fullmatch(self.unit(cycle).strip()) is not None
        )

    def is_formula(self, cycle: Cycle) -> bool:
        """Whether most of the loop stands within one formula, whose terms are alike."""
        return bool(np.mean(self.formulas[cycle.start : cycle.start + cycle.length]) > 0.5)

    def is_refrain(self, cycle: Cycle, repeated: int) -> bool:
        """Whether the loop is a part of a song: short lines, most of them said once or twice; of an
        unfinished text, whether it may become one: so far its lines are short."""
        if repeated > REFRAIN:
            return False
        if not self.unfinished and cycle.length > 0.5 * len(self.segments):
            return False
        if np.count_nonzero(self.segments.content[cycle.start :][: cycle.period]) > REFRAIN_UNIT:
            return False
        if _VERSE.search(self.prompt[:READ]):
            return True
        lines = [line.strip() for line in self.segments.text.splitlines() if line.strip()]
        sung = [line for line in lines if not _MARKUP.search(line)]
        fewest = 1 if self.unfinished else VERSE_LINES
        if len(sung) < fewest or len(sung) < 0.9 * len(lines):
            return False
        words = sorted(max(len(line.split()), len(line) // 8) for line in sung)
        short = words[len(words) * 3 // 4] <= VERSE_WORDS
        return short and (self.unfinished or words[len(words) // 2] >= 3)

    def lists(self, cycle: Cycle) -> bool:
        """Whether the copies are entries: each has a line of its own, or several."""
        starts = self.lines[cycle.start : cycle.start + cycle.length : cycle.period]
        return bool(np.all(np.diff(starts) >= 1))

    def is_keyed_data(self, cycle: Cycle, judged: Mask) -> bool:
        """Whether the copies are lines of data and what differs stands at their beginnings, as the
        keys of records do: a log's time, the first cell of a row, a name."""
        part = slice(cycle.start, cycle.start + cycle.length)
        spanned = self.lines[cycle.start + cycle.length - 1] - self.lines[cycle.start] + 1
        if (
            "---" in self.unit(cycle)
            or cycle.length > RECORD * spanned
            or np.mean(self.data[part]) <= 0.5
        ):
            return False
        places = self._changed(cycle, judged)
        offsets = places - np.searchsorted(self.lines, self.lines[places])
        return bool(len(places) and np.mean(offsets <= KEY) >= 0.9)

    def is_sectioned(self, cycle: Cycle, judged: Mask) -> bool:
        """Whether the copies are a few sections, and what differs stands in their headings alone:
        a plan of a week whose days are alike."""
        if cycle.copies > SECTIONS:
            return False
        lines = self.segments.text.splitlines()
        places = self._changed(cycle, judged)
        return bool(len(places)) and all(
            _HEADING.match(lines[self.lines[place]]) is not None for place in places
        )

    def _changed(self, cycle: Cycle, judged: Mask) -> Ids:
        """The places of judged tokens that differ from the copy before."""
        ids = self.segments.ids[cycle.start : cycle.start + cycle.length]
        counted = judged[cycle.start + cycle.period : cycle.start + cycle.length]
        changed = np.flatnonzero((ids[cycle.period :] != ids[: -cycle.period]) & counted)
        return (changed + cycle.start + cycle.period).astype(np.int32)

    def distinct(self, cycle: Cycle) -> float:
        """How many different copies there are, as a share of all."""
        whole = cycle.copies * cycle.period
        copies = self.segments.ids[cycle.start : cycle.start + whole].reshape(cycle.copies, -1)
        return len(np.unique(copies, axis=0)) / cycle.copies

    def is_short_lines(self, cycle: Cycle) -> bool:
        """Whether each copy is one line of a few words, as in a litany or a conjugation."""
        spanned = self.lines[cycle.start + cycle.length - 1] - self.lines[cycle.start] + 1
        unit = self.segments.weight[cycle.start : cycle.start + cycle.period]
        return bool(spanned <= cycle.copies + 1 and unit.sum() <= SHORT_LINE)

    def similarity(self, cycle: Cycle, judged: Mask) -> float:
        """The share of judged tokens that equal the copy before."""
        ids = self.segments.ids[cycle.start : cycle.start + cycle.length]
        counted = judged[cycle.start + cycle.period : cycle.start + cycle.length]
        equal = (ids[cycle.period :] == ids[: -cycle.period]) & counted
        return float(np.count_nonzero(equal)) / max(1, int(np.count_nonzero(counted)))
