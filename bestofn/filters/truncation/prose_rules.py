"""Rules of truncation for prose and tables: what the last block or line leaves open."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bestofn.filters.data_lines import cut_record, ends_in_data_lines
from bestofn.filters.truncation.blocks import Block
from bestofn.filters.truncation.brackets import CJK_QUOTES
from bestofn.filters.truncation.chinese_line_end import lone_character
from bestofn.filters.truncation.closings import is_closing, is_final_answer
from bestofn.filters.truncation.english_line_end import english_open_end
from bestofn.filters.truncation.english_words import words_of
from bestofn.filters.truncation.line_end import TAIL, open_end
from bestofn.filters.truncation.other_line_end import other_open_end
from bestofn.filters.truncation.quotations import open_quotation, open_straight_quote
from bestofn.filters.truncation.reading import Reading
from bestofn.filters.truncation.sentence_end import lacks_end
from bestofn.filters.truncation.sentences import punctuated

_FALSE_STOP = re.compile(r"\d\.\d+\.$|[/_]\w+\.$|\w\(\)\.$|\.\.$")
"""A point within a number, a path or an ellipsis, which closes no bracket."""

_OPEN_LINK = re.compile(r"\]\([^()\s]*$")
_HALF_LINK = re.compile(
    r"\]\([^()\n]{1,300}\)[^\w\n]{0,9}\n[^\w\n]{0,9}\[[^\[\]\n]{0,60}[^\W\d_]{3}[^\[\]\n]{0,60}\]$"
)
"""A line that begins a link, below one that is a link: anywhere else it may be a note, or a place
to be filled in."""
_DEFINITION = re.compile(r"^ {0,3}\[[^\]\n]{1,80}\]: ?\S|\]\[", re.MULTILINE)
"""What Markdown writes elsewhere for the addresses of links without one."""

_BOLD = re.compile(r"(?<![*\\])\*\*(?!\*)")
_BOLD_OPENS = re.compile(r"(?:(?<=[\s(:：>])|^)\*\*(?![a-z])[^\W_]\w*[^\S\n]?[^\s*]", re.MULTILINE)
"""Words in bold type, as against a name of a program: **kwargs, char **argv."""
_OPEN_HEAD = re.compile(r"\| [^|]*\|(?:[^|]*\|)*[^|]+$|\| [^|]*[^|\s]$")
_BARE_MARKER = re.compile(r"\s*(?:[-*+|>]|--|#{1,6}|\(?\d{1,3}[.)])\s*")
_LONE_MARKER = re.compile(r"\S[ \t]*\n[ \t]*([a-z]|\d{1,2})[ \t]*$")
_BEGUN_LINE = re.compile(r",[ \t]*\n[ \t]*[A-Za-z][ \t]*$")
"""A letter alone below a comma, as a line of verse begins."""

ANNOUNCED = 8
"""Words of what announces a list, rather than the answer 1."""

LABEL = 40
"""Characters that a label has at most."""

CONTEXT = 600
"""Characters at the end of a text by which the language of its last word is told."""

_NO_ANSWER = words_of(
    "Alternatively Consequently Finally Furthermore Generally Hence However Likewise Meanwhile"
    " Moreover Nevertheless Optionally Otherwise Similarly Therefore Thus Typically Raises Returns"
)
"""Words that begin a sentence, and hardly ever are an answer by themselves."""

_WORD = re.compile(r"[^\W\d_]{2}")


def cut_row(reading: Reading) -> str | None:
    """A last row of a table with fewer cells than the rows above, or without its end."""
    rows = []
    for block in reversed(reading.blocks):
        if block.kind != "row":
            break
        rows.append(block.lines[0].strip())
    last, above, head = rows[0], rows[min(1, len(rows) - 1)], rows[-1]
    if len(rows) == 1 and len(reading.blocks) > 1 and (last == "|" or _OPEN_HEAD.match(last)):
        return "the first row of its table has no end"
    if head.endswith("|") and not last.endswith("|"):
        return "the last row of its table has no end"
    if _cells(last) < min(_cells(above), _cells(head)):
        return f"the last row of its table has {_cells(last)} of {_cells(head)} cells"
    return None


def _cells(row: str) -> int:
    """Cells of a table row: parts between bars that are not escaped."""
    return row.replace("\\|", "").strip().removeprefix("|").removesuffix("|").count("|") + 1


def cut_record_of(reading: Reading) -> str | None:
    """A last record with fewer fields than those above it."""
    found = None if reading.ends else cut_record(reading.last.text)
    return f"its last record has {found[0]} of {found[1]} fields" if found else None


def bare_marker(reading: Reading) -> str | None:
    """A list marker with nothing behind it, in a text that has more than that."""
    line = reading.line
    if not line:
        # Alone it may be an answer: (3).
        marker = reading.raw.strip()
        several = len(reading.blocks) > 1 or marker.endswith("、")
        return f"its last line is only {marker!r}" if several else None
    above = reading.blocks[-2].kind if len(reading.blocks) > 1 else None
    if line.strip() in ("--", "—") and (above or len(reading.last.lines) > 1):
        return f"its last line is only {line.strip()!r}"
    bare = _BARE_MARKER.fullmatch(line)
    if bare and reading.last.kind == "item" and len(reading.last.lines) > 1:
        above = "item"  # a marker without the space that makes it one
    first = (
        line.strip() in ("1.", "1)", "(1)") and above is not None and _announces(reading.blocks[-2])
    )
    begun = bare and (first or above == "item" or (above and line.strip() == "-"))
    if begun or _begins_item(reading.outline.prose) or _BEGUN_LINE.search(reading.text[-TAIL:]):
        return f"its last line is only {line.strip()!r}"
    return None


def _begins_item(prose: str) -> bool:
    """Whether the last line is the next letter or number of the list that it stands in, without
    what closes a marker: "a) one", "b"."""
    found = _LONE_MARKER.search(prose[-TAIL:])
    if found is None:
        return False
    this = found[1]
    before = str(int(this) - 1) if this.isdigit() else chr(ord(this) - 1)
    markers = re.findall(r"(?m)^[ \t]*\(?(\d{1,2}|[a-z])[.)][ \t]", prose[-CONTEXT:])
    return bool(markers) and markers[-1] == before and this not in markers


def _announces(block: Block) -> bool:
    """Whether it announces a list."""
    return block.text.rstrip()[-1:] in (":", "：") and len(block.text.split()) >= ANNOUNCED


def cut_label(reading: Reading) -> str | None:
    """A label alone on the last line, which has a value wherever it stood before."""
    line = reading.line.strip()
    if not line or len(line) > LABEL or reading.ends:
        return None
    above = reading.outline.prose[: -len(line)]
    marker = re.escape(reading.raw[: len(reading.raw) - len(reading.raw.lstrip(" \t>*_-"))])
    value = r"[*_]{0,3}[:：][ \t*_]*\S"
    labelled = re.search(rf"(?m)^{marker}{re.escape(line)}{value}", above)
    return f"its last line is only {line!r}, which had a value before" if labelled else None


def open_link(reading: Reading) -> str | None:
    """A Markdown link whose address was never closed, or not begun though others have one."""
    if _OPEN_LINK.search(reading.line):
        return "a link at its end was never closed"
    text = reading.text
    if _HALF_LINK.search(text[-3 * TAIL :]) and not _DEFINITION.search(text):
        return "a link at its end has no address"
    return None


def open_bracket_of(reading: Reading) -> str | None:
    """A bracket open in the last paragraph, where no sentence ended after it."""
    mark = reading.open_mark if _WORD.search(reading.text) else None
    if mark is None or mark in CJK_QUOTES:
        return None
    if reading.ends and not _FALSE_STOP.search(reading.line[-TAIL:]):
        return None
    return f"{mark} in its last paragraph was never closed"


def open_cjk_quote(reading: Reading) -> str | None:
    """A CJK quotation open in the last paragraph, whatever its last character is."""
    mark = reading.open_mark
    return f"{mark} in its last paragraph was never closed" if mark in CJK_QUOTES else None


def open_quotation_of(reading: Reading) -> str | None:
    """A quotation in any language's marks, open in the last paragraph."""
    mark = open_quotation(reading.span_free)
    return f"{mark} in its last paragraph was never closed" if mark else None


def open_span(reading: Reading) -> str | None:
    """Inline code, a formula or words in bold type that were never closed."""
    if reading.ends or _stands(reading) or not _WORD.search(reading.text):
        return None
    if reading.span_open:
        return "code or a formula within its last paragraph was never closed"
    marks = list(_BOLD.finditer(reading.span_free))
    if len(marks) % 2 == 0 or not _BOLD_OPENS.match(reading.span_free, marks[-1].start()):
        return None
    return "** in its last paragraph was never closed"


def straight_quote(reading: Reading) -> str | None:
    """An odd number of straight quotation marks in the last paragraph."""
    if reading.ends or _stands(reading) or not open_straight_quote(reading.span_free):
        return None
    return '" in its last paragraph was never closed'


def lone_chinese_character(reading: Reading) -> str | None:
    """A last paragraph of a single Chinese character that is no answer."""
    last = reading.last
    if last.kind == "text" and len(reading.blocks) > 1 and lone_character(last.text):
        return f"its last paragraph is only {reading.line.strip()!r}"
    return None


def open_end_of(reading: Reading) -> str | None:
    """A mark or a word at the end that announces more."""
    if reading.last.kind == "signature":
        if reading.line.strip() == "--":
            return "it ends in '--', which announces a name"
        line = " ".join(" ".join(reading.last.lines[-2:]).split())[-TAIL:]
        if line[-2:] in (' "', " “", " „"):
            return f"it ends in {line[-1]!r}, which opens a quotation"
        if (word := line.rpartition(" ")[2]) in ("in", "by", "from"):
            return f"it ends in {word!r}, which announces more"
        end = english_open_end(line) or other_open_end(line, reading.outline.prose[-CONTEXT:])
        return f"it ends in {end!r}, which announces more" if end else None
    line = _end_of_sentence(reading.last)
    if _is_beginning(reading.blocks):
        return f"its last paragraph is only {line.strip()!r}"
    if reading.ends or _stands(reading) or is_final_answer(line):
        return None
    end = open_end(line, reading.outline.prose[-CONTEXT:])
    if end in (":", "：") and _all_announce(reading.blocks):
        return None
    return f"it ends in {end!r}, which announces more" if end else None


def _is_beginning(found: Sequence[Block]) -> bool:
    """Whether the last paragraph is a single word that begins a sentence, and is no answer."""
    above = found[-2].lines[-1] if len(found) > 1 else ""
    return found[-1].text.strip() in _NO_ANSWER and punctuated(above)


def _all_announce(found: Sequence[Block]) -> bool:
    """Whether the last three items all end in a colon, as a list of keys does."""
    items = [block for block in found if block.kind == "item"][-3:]
    return len(items) == 3 and items[-1] is found[-1] and all(map(_announces_any, items))


def _announces_any(block: Block) -> bool:
    return block.text.rstrip().rstrip("*_`")[-1:] in (":", "：")


def no_sentence_end(reading: Reading) -> str | None:
    """A last sentence that should have an end and has none."""
    if reading.ends or _stands(reading) or is_closing(reading.blocks, reading.line):
        return None
    if not lacks_end(reading.blocks):
        return None
    line = reading.line
    shown = line if len(line) <= 40 else "…" + line[-39:]
    return f"its last sentence has no end: '{shown.strip()}'"


def _stands(reading: Reading) -> bool:
    """Whether the last block is a signature or lines of data: it has no stop."""
    return reading.last.kind == "signature" or ends_in_data_lines(reading.last.text)


def _end_of_sentence(block: Block) -> str:
    """The last line, with the one before where the sentence began on that one."""
    before, line = ("", *block.lines)[-2:]
    shouted = line.isupper() and before.isupper()
    goes_on = (shouted or line.lstrip()[:1].islower()) and before.rstrip()[-1:].isalnum()
    return f"{before.rstrip()} {line.strip()}" if goes_on else line
