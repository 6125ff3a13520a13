"""What the truncation rules look at: the answer, what form it has, its last block and line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
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

Form = Literal["json", "thinking", "fence", "code", "table", "prose", "whole"]
"""What a text is: JSON that was asked for, reasoning without end, an open code block, program
text, a table at the end, prose at the end; or whole, whatever its end looks like (a JSON
document, an end that the request imposes, a code block or a rule at the end)."""

TAIL_CHARACTERS = 20_000
"""Characters at the end of a long text that are read as prose: only the end is evidence."""

_OWN_STOP = re.compile(r"<[^<>]*>")


@dataclass(frozen=True)
class Reading:
    """An answer as the rules see it.

    Args:
        text: the answer, stripped, without reasoning and without hashtags at its end.
        form: what it is.
        outline: it without its fenced code.
        json_error: why it does not parse, where JSON was asked for.
    """

    text: str
    form: Form
    outline: Outline
    json_error: str = ""

    @cached_property
    def blocks(self) -> Sequence[Block]:
        """The blocks of its prose, at least one where the form is prose or a table."""
        return blocks(_tail(self.outline.prose))

    @cached_property
    def last(self) -> Block:
        """The last block."""
        return self.blocks[-1]

    @cached_property
    def line(self) -> str:
        """The last line, without its list marker."""
        return self.last.lines[-1].rstrip()

    @cached_property
    def raw(self) -> str:
        """The last line with its list marker."""
        return self.outline.prose.rpartition("\n")[2]

    @cached_property
    def spans(self) -> tuple[str, bool]:
        """(the last block with its inline code emptied, whether code or a formula is open)."""
        return without_spans(self.last.text)

    @cached_property
    def open_mark(self) -> str | None:
        """The bracket, or CJK quotation mark, that the last block leaves open."""
        return open_bracket(self.spans[0])

    @cached_property
    def ends(self) -> bool:
        """Whether the last line ends a sentence."""
        return ends_sentence(self.line)


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
    if CODE not in parted.prose and source_code.looks_like_code(answer):
        return Reading(answer, "code", parted)
    prose = without_tags(parted.prose)
    if prose.rstrip() != parted.prose.rstrip():
        parted = Outline(prose, False)
    return _prose(Reading(answer, "prose", parted))


def _asked_json(answer: str) -> Reading:
    nothing = Outline("", False)
    try:
        json_answer.parse(answer)
    except ValueError as error:
        return Reading(answer, "json", nothing, str(error) or "it is no JSON")
    return Reading(answer, "whole", nothing)


def _prose(reading: Reading) -> Reading:
    if not reading.blocks:
        return Reading(reading.text, "whole", reading.outline)
    if reading.last.kind in ("code", "rule"):
        statement = source_code.last_input(reading.last.text)
        if statement:
            return Reading(statement, "code", reading.outline)
        return Reading(reading.text, "whole", reading.outline)
    return (
        Reading(reading.text, "table", reading.outline) if reading.last.kind == "row" else reading
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
