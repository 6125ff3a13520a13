"""The filter of truncated answers: cut off by what the engine or the text says."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bestofn.core.types import FINISHED_NORMALLY, Candidate, Rejection, Request
from bestofn.filters.data_lines import ends_in_data_lines
from bestofn.filters.empty import calls_tools
from bestofn.filters.markdown import CODE, outline
from bestofn.filters.truncation import source_code
from bestofn.filters.truncation.blocks import Block, blocks
from bestofn.filters.truncation.brackets import open_bracket, open_straight_quote, without_spans
from bestofn.filters.truncation.chinese_line_end import lone_character
from bestofn.filters.truncation.english_line_end import english_open_end
from bestofn.filters.truncation.line_end import TAIL, ends_sentence, open_end
from bestofn.filters.truncation.sentence_end import lacks_end
from bestofn.support import json_answer

_CUT = {
    "length": ("length", "it reached the limit on its tokens"),
    "abort": ("aborted", "it was stopped from outside before it ended"),
    "repetition": ("loop_stopped", "the engine stopped it in a loop during decoding"),
    "content_filter": ("content_filter", "the engine's content filter cut it"),
}
"""Finish reasons that say outright that the text was cut: vLLM's, and OpenAI's."""

_OWN_STOP = re.compile(r"<[^<>]*>")
_FALSE_STOP = re.compile(r"\d\.\d+\.$|[/_]\w+\.$|\w\(\)\.$|\.\.$")
"""A point within a number, a path or an ellipsis, which closes no bracket."""

_OPEN_LINK = re.compile(r"\]\([^()\s]*$")
_OPEN_HEAD = re.compile(r"\| [^|]*\|(?:[^|]*\|)*[^|]+$|\| [^|]*[^|\s]$")
_BARE_MARKER = re.compile(r"\s*(?:[-*+|>]|--|#{1,6}|\d{1,3}[.)])\s*")
_THINK = re.compile(r"<(/?)(?:think|thinking|reasoning)>")


@dataclass(frozen=True, slots=True, kw_only=True)
class TruncationFilter:
    """Rejects candidates that were cut off.

    Reasons, in this order: from the finish reason ``length``, ``aborted``, ``loop_stopped``,
    ``content_filter``; then, for a candidate that says it ended, from its text ``invalid_json``,
    ``unclosed_think``, ``unclosed_fence``, ``unclosed_code``, ``unclosed_bracket``,
    ``unclosed_quote``, ``cut_row``, ``open_end``, ``no_sentence_end``. Time: linear in the
    text. Unfinished snapshots (no finish reason) and candidates that call tools are judged by
    their finish reason only, and so is text whose end the request imposes (``stop`` strings,
    vLLM's ``structured_outputs``), JSON that was asked for apart.

    A cut exactly at the end of a sentence, or within a list item or title that needs no stop,
    cannot be seen in the text.

    Args:
        structure: whether the text is judged too, or only the finish reason.
        sentence_end: whether a last sentence without an end counts; switch it off where answers
            are not punctuated.
    """

    structure: bool = True
    sentence_end: bool = True

    @property
    def name(self) -> str:
        """The filter's name."""
        return "truncation"

    def check(self, request: Request, candidate: Candidate) -> Rejection | None:
        """The first reason that holds, in the order of the class's list; None to keep it."""
        found = _CUT.get(candidate.finish_reason or "")
        text = candidate.text.strip()
        judged = candidate.finish_reason in FINISHED_NORMALLY
        if found is None and self.structure and judged and text and not calls_tools(candidate):
            found = _structural(request, text)
            if found and found[0] == "no_sentence_end" and not self.sentence_end:
                found = None
        return Rejection(self.name, *found) if found else None


def _structural(request: Request, text: str) -> tuple[str, str] | None:
    """(reason, detail) where the stripped text shows that it was cut."""
    if json_answer.asked_for(request):
        try:
            json_answer.parse(text)
        except ValueError as error:
            return "invalid_json", f"JSON was asked for, and it does not parse: {error}"
        return None
    if json_answer.is_document(text) or _end_is_imposed(request):
        return None
    marks = [mark.group(1) for mark in _THINK.finditer(text)]
    if marks and not marks[-1]:
        return "unclosed_think", "its reasoning block was never closed"
    parts = outline(text)
    if parts.open:
        return "unclosed_fence", "a code block was never closed"
    if CODE not in parts.prose and source_code.looks_like_code(text):
        return _code(text)
    return _prose(blocks(parts.prose), parts.prose.rpartition("\n")[2])


def _end_is_imposed(request: Request) -> bool:
    """Whether the text ends where the request says, by a stop string or a grammar, rather than
    where the model ended: then its end says nothing. Stop strings in angle brackets (</s>,
    <|im_end|>) are the model's own ends."""
    stop = request.options.get("stop") or ()
    strings = stop if isinstance(stop, list | tuple) else (stop,)
    return any(not _OWN_STOP.fullmatch(str(string)) for string in strings) or any(
        name == "structured_outputs" or name.startswith("guided_") for name in request.options
    )


def _code(text: str) -> tuple[str, str] | None:
    if left_open := source_code.open_structure(text):
        return "unclosed_bracket", f"its code leaves {left_open} open"
    if source_code.ends_in_operator(text):
        return "open_end", "its last line of code cannot end there"
    if source_code.ends_before_its_block(text):
        return "open_end", "the block that its last line belongs to is missing"
    return None


def _prose(found: list[Block], raw: str) -> tuple[str, str] | None:
    """(reason, detail) of the prose in `found`, whose last line with its marker is `raw`."""
    if not found:
        return None
    last = found[-1]
    if last.kind in ("code", "rule"):
        statement = source_code.last_input(last.text)
        return _code(statement) if statement else None
    if last.kind == "row":
        return _row(found)
    line = last.lines[-1].rstrip()
    if not line:
        # An item of which only the marker is there; alone it may be an answer: (3).
        marker = raw.strip()
        if len(found) > 1 or marker.endswith("、"):
            return "open_end", f"its last line is only {marker!r}"
        return None
    bare, span_open = without_spans(last.text)
    if _OPEN_LINK.search(line):
        return "unclosed_bracket", "a link at its end was never closed"
    above = found[-2].kind if len(found) > 1 else None
    if _BARE_MARKER.fullmatch(line) and (above == "item" or (above and line.strip() == "-")):
        return "open_end", f"its last line is only {line.strip()!r}"
    left_open = open_bracket(bare)
    if left_open and (
        not ends_sentence(line) or left_open[0] in "“「『" or _FALSE_STOP.search(line[-TAIL:])
    ):
        mark, quote = left_open
        reason = "unclosed_quote" if quote else "unclosed_bracket"
        return reason, f"{mark} in its last paragraph was never closed"
    if last.kind == "signature" and (end := english_open_end(line[-TAIL:])):
        return "open_end", f"it ends in {end!r}, which announces more"
    if last.kind == "text" and len(found) > 1 and lone_character(last.text):
        return "open_end", f"its last paragraph is only {line.strip()!r}"
    if last.kind == "signature" or ends_sentence(line) or ends_in_data_lines(last.text):
        return None
    if span_open:
        return "unclosed_code", "code or a formula within its last paragraph was never closed"
    if open_straight_quote(bare):
        return "unclosed_quote", '" in its last paragraph was never closed'
    if end := open_end(_end_of_sentence(last)):
        return "open_end", f"it ends in {end!r}, which announces more"
    if lacks_end(found):
        shown = line if len(line) <= 40 else "…" + line[-39:]
        return "no_sentence_end", f"its last sentence has no end: '{shown.strip()}'"
    return None


def _end_of_sentence(block: Block) -> str:
    """The last line, with the one before where the sentence began on that one."""
    before, line = ("", *block.lines)[-2:]
    goes_on = line.lstrip()[:1].islower() and before.rstrip()[-1:].isalnum()
    return f"{before.rstrip()} {line.strip()}" if goes_on else line


def _row(found: list[Block]) -> tuple[str, str] | None:
    rows = []
    for block in reversed(found):
        if block.kind != "row":
            break
        rows.append(block.lines[0].strip())
    last, above, head = rows[0], rows[min(1, len(rows) - 1)], rows[-1]
    if len(rows) == 1 and len(found) > 1 and (last == "|" or _OPEN_HEAD.match(last)):
        return "cut_row", "the first row of its table has no end"
    if head.endswith("|") and not last.endswith("|"):
        return "cut_row", "the last row of its table has no end"
    if _cells(last) < min(_cells(above), _cells(head)):
        return "cut_row", f"the last row of its table has {_cells(last)} of {_cells(head)} cells"
    return None


def _cells(row: str) -> int:
    """Cells of a table row: parts between bars that are not escaped."""
    return row.replace("\\|", "").strip().removeprefix("|").removesuffix("|").count("|") + 1
