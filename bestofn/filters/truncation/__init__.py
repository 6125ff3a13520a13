"""Truncation: does an answer end where the model ended it, or was it cut off?

    finish_reason ─► says outright: length, abort, ...
    text ─► `reading` (its form: JSON, open reasoning, open fence, program, table, prose) ─► `rules`
            program: `code_rules` ─► `source_code`; markup: `markup_rules`
            table, prose: `prose_rules` ─► the last of its `blocks`: `brackets`, `quotations`,
            `line_end` (a mark or word that announces more: `english_line_end`,
            `chinese_line_end`, `other_line_end`), `sentence_end` (`clauses`, `own_style`;
            `closings` and `signatures` need no end)

`rules` is a table: each rule has a name (by which it is switched off and counted), says what it
applies to, whether it is certain or a suspicion, and shows one text that it takes and one that it
leaves. The first that holds decides. Only the end of a text is evidence.

    >>> from bestofn.core.types import Candidate, Request
    >>> from bestofn.filters.truncation.filter import TruncationFilter
    >>> cut = Candidate(0, {"role": "assistant", "content": "It is cheap and fast and"}, "stop")
    >>> TruncationFilter().check(Request.from_prompt("What is it like?"), cut).reason
    'open_end'
"""
