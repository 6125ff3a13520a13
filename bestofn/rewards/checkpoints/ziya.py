"""Ziya-LLaMA-7B-Reward: `LlamaRewardModel`, a Llama trunk with a `value_head`.

It is read without the checkpoint's own code. The tokenizer is sentencepiece itself: the folder's
special_tokens_map makes bos, eos and unk all `</s>`, so that an input is `2 ... 2`, and the
LlamaTokenizer that transformers 5 rebuilds from such a folder leaves the first 2 out (unless
tokenizer_config says add_bos_token) and takes `</s>` within a text for the end token.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from sentencepiece import SentencePieceProcessor
from torch import nn
from transformers import LlamaConfig, LlamaModel
from transformers.models.llama.modeling_llama import LlamaPreTrainedModel

from bestofn.core.errors import ModelError
from bestofn.rewards.checkpoints.assembly import transformers_config
from bestofn.rewards.checkpoints.interface import Checkpoint, LoadedModel
from bestofn.rewards.checkpoints.tensors import READING_FAULTS
from bestofn.rewards.checkpoints.weights import read_weights
from bestofn.rewards.local.choose_reader import causal_reader
from bestofn.rewards.local.readers import Head
from bestofn.rewards.text.encoder import Encoder
from bestofn.rewards.text.text_spec import TextSpec
from bestofn.support.checkpoint import read_json
from bestofn.support.error_text import first_line

PUBLISHED_END = "</s>"
"""The bos and eos of the published special_tokens_map."""


class LlamaRewardModel(LlamaPreTrainedModel):  # type: ignore[no-untyped-call]
    """The modules under the checkpoint's own names: `model.*`, `value_head.weight` and `.bias`."""

    # Buffers that transformers of that time wrote into checkpoints; they follow from the config.
    _keys_to_ignore_on_load_unexpected = [r"rotary_emb\.inv_freq"]  # noqa: RUF012 - its type

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__(config)
        self.model = LlamaModel(config)
        self.value_head = nn.Linear(config.hidden_size, 1)
        self.post_init()  # type: ignore[no-untyped-call]


def load(checkpoint: Checkpoint) -> LoadedModel:
    """Read the checkpoint; see `bestofn.rewards.checkpoints.loading.load`.

    `auto` is float16 on a GPU, the half precision that the model card scores with.
    """
    spec = text_spec(checkpoint)
    config = transformers_config(checkpoint, LlamaConfig)
    dtype = checkpoint.placement.dtype_for(config, half=torch.float16)
    model = read_weights(LlamaRewardModel, checkpoint.folder, config, checkpoint.placement, dtype)
    assert isinstance(model, LlamaRewardModel)
    return LoadedModel(
        reader=causal_reader(model.model, Head(model.value_head), checkpoint.settings.cache_tokens),
        device=checkpoint.placement.device,
        spec=spec,
        format=checkpoint.format,
    )


def text_spec(checkpoint: Checkpoint) -> TextSpec:
    """How the checkpoint wants its texts.

    Raises:
        ModelError: as `read_tokenizer`, or its config cannot be used.
    """
    config = transformers_config(checkpoint, LlamaConfig)
    return TextSpec(
        encoder=read_tokenizer(checkpoint.folder),
        special_tokens={"bos_token": "", "eos_token": ""},  # ids that no text can spell
        chat_template=None,
        max_tokens=config.max_position_embeddings,
        vocabulary=config.vocab_size,
    )


def read_tokenizer(folder: Path) -> Encoder:
    """Sentencepiece's ids, framed by the ids of the folder's bos and eos.

    Raises:
        ModelError: tokenizer.model is absent or unreadable, or has no such piece.
    """
    path = folder / "tokenizer.model"
    try:
        pieces = SentencePieceProcessor(model_file=str(path))
    except READING_FAULTS as error:
        raise ModelError(f"{path} cannot be read: {first_line(error)}") from error

    def tokenise(texts: Sequence[str]) -> list[list[int]]:
        ids: list[list[int]] = pieces.encode(list(texts))
        return ids

    names = _special_tokens(folder)
    lead, tail = (_id(pieces, names.get(key, PUBLISHED_END)) for key in ("bos_token", "eos_token"))
    return Encoder(tokenise, (lead,), (tail,))


def _special_tokens(folder: Path) -> dict[str, str]:
    path = folder / "special_tokens_map.json"
    named = read_json(path) if path.is_file() else {}
    return {key: v["content"] if isinstance(v, dict) else str(v) for key, v in named.items()}


def _id(pieces: SentencePieceProcessor, piece: str) -> int:
    index = int(pieces.piece_to_id(piece))
    if pieces.id_to_piece(index) != piece:
        raise ModelError(f"the special token {piece} is no piece of tokenizer.model")
    return index
