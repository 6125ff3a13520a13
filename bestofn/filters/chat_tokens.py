"""Tokens of chat templates that stand in an answer as text: ``<|im_end|>``, ``</s>``, ``[INST]``.

A model ends its turn with such a token, and an engine that does not know it as the end leaves it in
the text: at the very end it is no more than dirt, in the middle a dialogue goes on behind it.
"""

from __future__ import annotations

import functools
import re

_NAMES = (
    r"im_end|im_start|im_sep|endoftext|eot_id|eom_id|end_of_text|begin_of_text|start_header_id"
    r"|end_header_id|end_of_turn|start_of_turn|END_OF_TURN_TOKEN|START_OF_TURN_TOKEN|endofturn"
    r"|end|eot|eos|return|call|user|assistant|system|sep|pad"
)
KNOWN = (
    rf"<\|(?:{_NAMES})\|>|(?<![\w|<])\|(?:im_end|im_start|eot_id|endoftext|end_of_text)\|>"
    r"|<｜[\w▁ ]{1,40}｜>|<(?:end_of_turn|start_of_turn|eos|bos|pad|unk|EOT|EOD)>|</s>|<s>"
    r"|\[/?INST\]|<</?SYS>>|\[EOS\]"
)
"""The tokens of the templates in use (ChatML, Llama 2 and 3, Gemma, Phi, Mistral, Command, GLM,
DeepSeek, harmony), and those that lost their first mark."""

OPENS_TURN = re.compile(
    r"\s*(?:<\|im_start\|>|<\|start_header_id\|>|<start_of_turn>|<\|(?:user|system)\|>"
    r"|<\|START_OF_TURN_TOKEN\|>|\[INST\]|<｜User｜>)|\s*(?:user|human|system)\s*[:\n]",
    re.IGNORECASE,
)
"""What stands behind a token where another turn begins."""

_HALF = re.compile(r"(?<=[.!?。！？`])\s?<(?:\|\w{0,20})?$")
"""The beginning of such a token behind the end of a sentence, cut by a limit."""


_NUMBER = re.compile(r"\d+")

MARKUP = frozenset({"<s>", "</s>", "[INST]", "[/INST]"})
"""Tokens that are markup of other languages too, and may be talked about."""


@functools.lru_cache(maxsize=32)
def pattern(own: tuple[str, ...] = ()) -> re.Pattern[str]:
    """What finds a token: the known ones, and the model's `own`; those that differ in a number
    (``<|reserved_7|>``) are one alternative, and no position is tried where none can begin."""
    named = dict.fromkeys(
        _NUMBER.sub(r"\\d+", re.escape(token)) for token in sorted(own, key=len, reverse=True)
    )
    return re.compile(f"(?={token_start(own).pattern})(?:{'|'.join([*named, KNOWN])})")


@functools.lru_cache(maxsize=32)
def token_start(own: tuple[str, ...] = ()) -> re.Pattern[str]:
    """What finds a character that a token begins with."""
    first = sorted({*"<[|", *(token[0] for token in own if token)})
    return re.compile("[" + re.escape("".join(first)) + "]")


@functools.lru_cache(maxsize=32)
def _at_end(own: tuple[str, ...] = ()) -> re.Pattern[str]:
    return re.compile(rf"(?:{pattern(own).pattern})\Z")


def strip_end(text: str, own: tuple[str, ...] = ()) -> tuple[str, tuple[str, ...]]:
    """(`text` without the tokens and the white space at its end, those tokens in order).

    A closing ``</s>`` that an ``<s>`` opened is markup and stays.
    """
    found: list[str] = []
    rest = text.rstrip()
    while len(found) < 64:
        tail = rest[-80:]
        if not token_start(own).search(tail):  # most texts hold no such character
            break
        token = _at_end(own).search(tail) or (None if found else _HALF.search(tail))
        if token is None or (token.group() == "</s>" and "<s>" in rest[-2000:]):
            break
        found.append(token.group().strip())
        rest = rest[: len(rest) - len(tail) + token.start()].rstrip()
    return (rest, tuple(reversed(found))) if found else (text, ())
