"""Truncation: does an answer end where the model ended it, or was it cut off?

    finish_reason ─► says outright: length, abort, ...
    text ─► JSON that was asked for, reasoning, fences ─► program text ─► `source_code`
                                                      └► prose ─► `blocks` ─► the last block:
            table rows, `brackets`, `line_end` (a mark or word that announces more:
            `english_line_end`, `chinese_line_end`), `sentence_end` (`clauses`)

`filter` asks these in that order and gives the first reason that holds; only the end of a text is
evidence, so most of them look at its last block or line.

    >>> from bestofn.core.types import Candidate, Request
    >>> from bestofn.filters.truncation.filter import TruncationFilter
    >>> cut = Candidate(0, {"role": "assistant", "content": "It is cheap and fast and"}, "stop")
    >>> TruncationFilter().check(Request.from_prompt("What is it like?"), cut).reason
    'open_end'
"""
