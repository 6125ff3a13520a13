"""Repetition: does an answer say the same again and again?

    text ─► `segmentation` (tokens) ─► `cycles` (`exact` and `near` ones), `counting`, `floods`
            each loop ─► `view` (data, code, a list, a song?), `asked` (did the prompt want it?)
    text ─► `duplicates` (shares in lines, paragraphs and n-grams that stood before)

`filter` decides from which number of copies, tokens and words on a loop is a fault.

    >>> from bestofn.core.types import Candidate, Request
    >>> from bestofn.filters.repetition.filter import RepetitionFilter
    >>> text = "We see: " + "the big red fox " * 9
    >>> looping = Candidate(0, {"role": "assistant", "content": text}, "stop")
    >>> RepetitionFilter().check(Request.from_prompt("What do you see?"), looping).detail
    "the 4 tokens 'the big red fox' 9 times from character 8"
"""
