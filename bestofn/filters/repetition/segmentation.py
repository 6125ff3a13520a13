"""Tokens of a text without a tokenizer: words, numbers, CJK characters, marks.

It works for any script, for responses that come without token ids, and gives character offsets.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from bestofn.filters.data_lines import record_lines
from bestofn.filters.markdown import hide_code

Ids = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]
Weights = npt.NDArray[np.float32]

_UNSPACED = "぀-ヿ㐀-䶿一-鿿\uf900-\ufaff฀-๿຀-໿ក-៿က-႟\U00020000-\U0003ffff"
"""Scripts written without spaces (CJK ideographs, kana, Thai, Lao, Khmer, Burmese), as a regex
class: each character is a token."""


def _marks() -> str:
    """Combining marks and joiners up to U+1DFF, as a regex class: they belong to the letter before
    them, so that words of Hindi, Bengali or Hebrew with points are words."""
    found, begin = [], None
    for code in range(0x300, 0x1E01):
        character = chr(code)
        is_mark = unicodedata.category(character) in ("Mn", "Mc") and not re.match(
            f"[{_UNSPACED}]", character
        )
        if is_mark and begin is None:
            begin = code
        if not is_mark and begin is not None:
            found.append(f"{chr(begin)}-{chr(code - 1)}")
            begin = None
    return "".join(found) + "\u200c\u200d"


_MARKS = _marks()
_TOKEN = re.compile(
    # A word of more than 40 characters is no word: its characters are tokens, so that a loop
    # inside it ("hahaha...") is seen. Identifiers and German compounds stay below 40.
    # Possessive and bounded, so that the scan is linear.
    rf"\d{{1,40}}+(?:[.,:]\d{{1,40}}+){{0,8}}+(?![\w{_UNSPACED}])"
    rf"|[^\W{_UNSPACED}](?:[^\W{_UNSPACED}]|[{_MARKS}]){{0,39}}+(?![^\W{_UNSPACED}])"
    r"|[\u2600-\u27bf\U0001f000-\U0001faff][\ufe0e\ufe0f]|\S"
)
_FORMULA = re.compile(
    r"\$\$[^$]{1,4000}+\$\$|\$[^$\n]{1,1000}+\$"
    r"|\\\[(?:[^\\]|\\(?!\])){1,4000}+\\\]|\\\((?:[^\\]|\\(?!\))){1,1000}+\\\)"
)
"""Formulas of TeX; possessive and bounded, so that the search is linear."""

_ADDRESS = re.compile(r"https?://[^\s<>\"]+")

_DIGIT = re.compile(r"\d")
_CONTENT = re.compile("[^\\W\\d_]|[\U0001f000-\U0001faff☀-➿]")
"""Letters, and pictographs, which carry content as words do; box drawing and arrows do not."""

SHORT = 240
"""Characters from which `hardly_repeats` does not look: about 60 words."""

_CJK = re.compile("[぀-ヿ㐀-䶿一-鿿\uf900-\ufaff\U00020000-\U0003ffff]")
_UNSPACED_LETTER = re.compile(f"[{_UNSPACED}]")
CJK_WEIGHT, SYLLABLE_WEIGHT = 0.7, 0.3
"""Words that a CJK character, and one of another script without spaces, counts for."""


WINDOW, COMPRESSES = 256, 0.42
"""Characters of the end of a snapshot that are looked at, or its last half; and the share of its
bytes that zlib leaves of a loop at most. `python -m benchmarks.foresight` prints how many snapshots
of real outputs need no other look, and how many loops are seen with it and without."""


@dataclass(frozen=True, slots=True)
class Segments:
    """The tokens of a text, in order; whitespace is no token.

    Args:
        text: the text.
        ids: (tokens,) one number per token, equal where the tokens are equal.
        content: (tokens,) True where the token is a word, a CJK character or a pictograph.
        number: (tokens,) True where the token is a number.
        weight: (tokens,) how many words the token counts for, so that a loop weighs the same in
            every script; 0 where it is no content.
    """

    text: str
    ids: Ids
    content: Mask
    number: Mask
    weight: Weights

    def __len__(self) -> int:
        return len(self.ids)

    def span(self, begin: int, end: int) -> tuple[int, int]:
        """Character offsets of tokens `begin` to `end` (exclusive); begin < end."""
        matches = list(islice(_TOKEN.finditer(self.text), begin, end))
        return matches[0].start(), matches[-1].end()

    def starts(self, begin: int, end: int, step: int) -> list[int]:
        """Character offsets of every `step`-th token from `begin` up to `end` (exclusive)."""
        return [found.start() for found in islice(_TOKEN.finditer(self.text), begin, end, step)]


def segment(text: str) -> Segments:
    """Cut `text` into tokens, in linear time."""
    vocabulary: dict[str, int] = {}
    ids = [vocabulary.setdefault(token, len(vocabulary)) for token in _TOKEN.findall(text)]
    # A word of letters alone, as most are, needs no search.
    content = [token.isalpha() or bool(_CONTENT.search(token)) for token in vocabulary]
    number = [
        token[0].isdecimal() and not has for token, has in zip(vocabulary, content, strict=True)
    ]
    tokens = np.array(ids, dtype=np.int32)
    return Segments(
        text,
        tokens,
        np.array(content, dtype=np.bool_)[tokens],
        np.array(number, dtype=np.bool_)[tokens],
        np.array(
            [
                _weight(token) if has else 0.0
                for token, has in zip(vocabulary, content, strict=True)
            ],
            dtype=np.float32,
        )[tokens],
    )


def hardly_compresses(text: str) -> bool:
    """Whether the last half of a text is so varied that no loop goes on in it; a quick look."""
    end = text[-max(WINDOW, len(text) // 2) :].encode("utf-8", "replace")
    return len(zlib.compress(end, 1)) > COMPRESSES * len(end)


def hardly_repeats(text: str, tokens: int) -> bool:
    """Whether a text is short, and fewer than `tokens` of its tokens equal one before them, be
    their digits what they may; a quick look. The copies of every loop are such tokens."""
    if len(text) >= SHORT:
        return False
    found = _TOKEN.findall(_DIGIT.sub("0", text))
    return len(found) - len(set(found)) < tokens


def _weight(token: str) -> float:
    if len(token) > 1 or token.isascii():
        return 1.0
    if _CJK.match(token):
        return CJK_WEIGHT
    return SYLLABLE_WEIGHT if _UNSPACED_LETTER.match(token) else 1.0


def token_texts(segments: Segments) -> list[str]:
    """(tokens,) the tokens themselves."""
    return _TOKEN.findall(segments.text)


def data_mask(segments: Segments) -> Mask:
    """(tokens,) True where the token stands in a line of data (see `data_lines.record_lines`)."""
    flags: list[bool] = []
    lines = segments.text.splitlines()
    for line, data in zip(lines, record_lines(segments.text), strict=True):
        flags += [data] * len(_TOKEN.findall(line))
    return np.array(flags, dtype=np.bool_)


def code_mask(segments: Segments) -> Mask:
    """(tokens,) True where the token stands in a fenced block or a code span."""
    hidden = hide_code(segments.text)
    if hidden is segments.text:
        return np.zeros(len(segments), dtype=np.bool_)
    return np.array([hidden[found.start()].isspace() for found in _TOKEN.finditer(segments.text)])


def formula_mask(segments: Segments) -> Mask:
    """(tokens,) True where the token stands in a formula of TeX."""
    return _mask(segments, _FORMULA)


def address_mask(segments: Segments) -> Mask:
    """(tokens,) True where the token stands in an address of the web."""
    return _mask(segments, _ADDRESS)


def _mask(segments: Segments, form: re.Pattern[str]) -> Mask:
    spans = [found.span() for found in form.finditer(segments.text)]
    if not spans:
        return np.zeros(len(segments), dtype=np.bool_)
    begins, ends = np.array(spans).T
    places = np.array([found.start() for found in _TOKEN.finditer(segments.text)])
    before = np.searchsorted(begins, places, side="right") - 1
    return np.asarray((before >= 0) & (places < ends[np.maximum(before, 0)]), dtype=np.bool_)


def line_numbers(segments: Segments) -> Ids:
    """(tokens,) the number of the line that the token stands in."""
    counts = [len(_TOKEN.findall(line)) for line in segments.text.splitlines()]
    return np.repeat(np.arange(len(counts), dtype=np.int32), counts)
