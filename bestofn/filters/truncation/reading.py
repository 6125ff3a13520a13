"""What the truncation rules look at: the answer, what form it has, its last block and line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bestofn.core.types import Request
from bestofn.filters.markdown import CODE, Outline, outline
from bestofn.filters.reasoning import split_reasoning
from bestofn.filters.truncation import source_code
from bestofn.filters.truncation.blocks import Block, blocks
from bestofn.filters.truncation.brackets import open_bracket, without_spans
from bestofn.filters.truncation.closings import without_tags
from bestofn.filters.truncation.line_end import ends_sentence
from bestofn.support import json_answer
from bestofn.support.program_text import looks_like_code

Form = Literal["json", "thinking", "fence", "code", "table", "prose", "whole"]
"""What a text is: JSON that was asked for, reasoning without end, an open code block, program
text, a table at the end, prose at the end; or whole, whatever its end looks like (a JSON
document, an end that the request imposes, a code block or a rule at the end)."""

TAIL_CHARACTERS = 20_000
"""Characters at the end of a long text that are read as prose: only the end is evidence."""

_OWN_STOP = re.compile(r"<[^<>]*>")


@dataclass(frozen=True, slots=True)
class Reading:
    """An answer as the rules see it.

    Args:
        text: the answer, stripped, without reasoning and without hashtags at its end.
        form: what it is.
        outline: it without its fenced code.
        json_error: why it does not parse, where JSON was asked for.
        blocks: of its prose, at least one where the form is prose or a table; what follows is of
            the last of them, and says nothing in other forms.
        line: the last line, without its list marker.
        span_free: the last block with its inline code emptied.
        span_open: whether code or a formula in it was left open.
        open_mark: the bracket, or CJK quotation mark, that it leaves open; None: none.
        ends: whether the last line ends a sentence.
    """

    text: str
    form: Form
    outline: Outline
    json_error: str = ""
    blocks: Sequence[Block] = ()
    line: str = ""
    span_free: str = ""
    span_open: bool = False
    open_mark: str | None = None
    ends: bool = False

    @property
    def last(self) -> Block:
        """The last block."""
        return self.blocks[-1]

    @property
    def raw(self) -> str:
        """The last line with its list marker."""
        return self.outline.prose.rpartition("\n")[2]


def read(request: Request, content: str) -> Reading:
    """The reading of a candidate's content."""
    parts = split_reasoning(content)
    answer = parts.answer.strip()
    if json_answer.asked_for(request):
        return _asked_json(answer)
    nothing = Outline("", False)
    if parts.open:
        return Reading(answer, "thinking", nothing)
    if not answer or json_answer.is_document(answer) or _end_is_imposed(request):
        return Reading(answer, "whole", nothing)
    parted = outline(answer)
    if parted.open:
        return Reading(answer, "fence", parted)
    if CODE not in parted.prose and looks_like_code(answer):
        return Reading(answer, "code", parted)
    prose = without_tags(parted.prose)
    if prose.rstrip() != parted.prose.rstrip():
        parted = Outline(prose, False)
    return _prose(answer, parted)


def _asked_json(answer: str) -> Reading:
    nothing = Outline("", False)
    try:
        json_answer.parse(answer)
    except ValueError as error:
        return Reading(answer, "json", nothing, str(error) or "it is no JSON")
    return Reading(answer, "whole", nothing)


def _prose(answer: str, parted: Outline) -> Reading:
    found = blocks(_tail(parted.prose))
    if not found:
        return Reading(answer, "whole", parted)
    last = found[-1]
    if last.kind in ("code", "rule"):
        statement = source_code.last_input(last.text)
        if statement:
            return Reading(statement, "code", parted)
        return Reading(answer, "whole", parted)
    line = last.lines[-1].rstrip()
    span_free, span_open = without_spans(last.text)
    return Reading(
        answer,
        "table" if last.kind == "row" else "prose",
        parted,
        blocks=found,
        line=line,
        span_free=span_free,
        span_open=span_open,
        open_mark=open_bracket(span_free),
        ends=ends_sentence(line),
    )


def _tail(prose: str) -> str:
    """The last lines of long prose, from a line's beginning on."""
    if len(prose) <= TAIL_CHARACTERS:
        return prose
    tail = prose[-TAIL_CHARACTERS:]
    return tail.partition("\n")[2] or tail


def _end_is_imposed(request: Request) -> bool:
    """Whether the text ends where the request says, by a stop string or a grammar, rather than
    where the model ended: then its end says nothing. Stop strings in angle brackets (</s>,
    <|im_end|>) are the model's own ends; a field that is null imposes nothing."""
    stop = request.options.get("stop") or ()
    strings = stop if isinstance(stop, list | tuple) else (stop,)
    return any(not _OWN_STOP.fullmatch(str(string)) for string in strings) or any(
        (name == "structured_outputs" or name.startswith("guided_")) and bool(value)
        for name, value in request.options.items()
    )
