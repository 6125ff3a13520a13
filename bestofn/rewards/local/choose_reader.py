"""Choice of the fastest reader that is right for a causal trunk: packed, or padded."""

from __future__ import annotations

import logging

import torch
from torch import nn

from bestofn.rewards.local.packed_attention import NAME, UnsupportedError
from bestofn.rewards.local.packed_reader import PackedReader
from bestofn.rewards.local.readers import Head, PaddedReader, Reader
from bestofn.support.error_text import first_line

logger = logging.getLogger(__name__)

_PROBE = ((24, 9), (24, 20), (24, 1), (0, 11))
"""(shared, further) tokens of the texts on which a model shows that it reads them right, packed."""

_EXACT, _ROUNDED = 1e-3, 0.05
"""By how much the probe's rewards may differ, relative where they are above 1: in float32, and in
half precision, where batch shapes alone move rewards."""


def causal_reader(trunk: nn.Module, head: Head, cache_tokens: int) -> Reader:
    """The fastest reader of a causal trunk that is right: packed sequences, where it can.

    Whether it can, it shows on a few texts at once: models differ too much, and change too often,
    for a list. Where it cannot, the log says why, and each text is computed whole.

    Args:
        trunk: of transformers, with its weights; its attention is set here.
        head: where and by what it is read; its module becomes float32.
        cache_tokens: see `PackedReader`.
    """
    head.module.float()
    plain = PaddedReader(trunk, head)
    usual = getattr(getattr(trunk, "config", None), "_attn_implementation", None)
    try:
        _refuse_other_layers(trunk)
        texts = _probe(trunk)
        last = Head(head.module)
        expected = PaddedReader(trunk, last)(texts)
        trunk.set_attn_implementation(NAME)  # type: ignore[operator]
        found = PackedReader(trunk, last, cache_tokens)(texts)
        tolerance = _EXACT if next(trunk.parameters()).dtype == torch.float32 else _ROUNDED
        for one, other in zip(expected, found, strict=True):
            for a, b in zip(one.values, other.values, strict=True):
                if not abs(a - b) <= tolerance * max(1.0, abs(a)):
                    raise UnsupportedError(f"a probe that gives {b:.4g} instead of {a:.4g}")
    except Exception as error:  # whatever the fault, the plain way does without
        if usual is not None:
            trunk.set_attn_implementation(usual)  # type: ignore[operator]
        logger.info(
            "candidates are scored whole, the prompt again with each: %s", first_line(error)
        )
        return plain
    return PackedReader(trunk, head, cache_tokens)


def _refuse_other_layers(trunk: nn.Module) -> None:
    """Refuse layers whose masks a short probe would not show.

    Raises:
        UnsupportedError: there are some.
    """
    config = trunk.config.get_text_config()  # type: ignore[union-attr, operator]
    kinds = {str(kind) for kind in getattr(config, "layer_types", None) or ()} - {"full_attention"}
    if getattr(config, "attention_chunk_size", None):
        kinds.add("chunked_attention")
    if kinds:
        raise UnsupportedError(f"layers with {', '.join(sorted(kinds))}")


def _probe(trunk: nn.Module) -> list[list[int]]:
    vocabulary = int(trunk.config.get_text_config().vocab_size)  # type: ignore[union-attr, operator]
    generator = torch.Generator().manual_seed(0)

    def some(count: int) -> list[int]:
        drawn: list[int] = torch.randint(vocabulary, (count,), generator=generator).tolist()
        return drawn

    shared = some(max(count for count, _ in _PROBE))
    return [[*shared[:count], *some(further)] for count, further in _PROBE]
