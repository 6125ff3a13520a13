"""Columns that hold one thing for each answer, told by the last word of their names.

scores, helpfulness_scores, finishReason, num_tokens, response_ids      each answer has its own
tags, images, correct_answers, model_card, prompt_tokens, image_labels  nobody knows whose they are

A name is split at ``_ . -``, spaces, digits and case. Its last word, or its last two as one, has to
be among `_OF_EACH`, as one thing or as several; the word before it must not say that it tells
something of another thing (`_OF_OTHERS`). Of a name with dots it is enough that what stands
before the first ends so: ``scores.helpfulness``. The last word says what is there, and those before
it whose: ``reward_names`` are names, and ``correct_answers`` are answers.
"""

from __future__ import annotations

import re

_OF_EACH = frozenset(
    {
        # what was found of an answer
        *("reward", "score", "rank", "ranking", "rating", "grade", "label", "preference"),
        *("verdict", "correct", "correctness", "judgement", "judgment", "critique", "feedback"),
        *("confidence", "probability", "advantage"),
        # how it came about, and how it ended
        *("model", "modelname", "modelid", "generator", "generatorname", "seed"),
        *("finishreason", "stopreason", "endreason"),
        # what it is made of
        *("logprob", "token", "tokencount", "length"),
        # which it is
        *("index", "responseid", "completionid", "answerid", "candidateid", "generationid"),
    }
)
"""What each answer has one of; names of two words as one."""

_OF_OTHERS = frozenset(
    {
        *("prompt", "question", "query", "instruction", "input", "context", "tool"),
        *("document", "doc", "passage", "chunk", "image", "picture", "video", "audio"),
        *("topic", "tag", "category", "class", "dataset"),
    }
)
"""What else a record has several of, or one of, and of which the same may be told."""

_PLURALS = {"indices": "index", "indexes": "index", "probabilities": "probability"}

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def is_of_each_answer(column: str) -> bool:
    """Whether the name of a column says that it holds one thing for each answer."""
    return _says_so(column) or _says_so(column.partition(".")[0])


def _says_so(name: str) -> bool:
    words = [_single(word.lower()) for word in _WORD.findall(name)]
    for count in (2, 1):
        before, last = words[:-count], "".join(words[-count:])
        if len(words) >= count and last in _OF_EACH:
            return not before or before[-1] not in _OF_OTHERS
    return False


def _single(word: str) -> str:
    return word if word.endswith("ss") else _PLURALS.get(word, word.removesuffix("s"))
