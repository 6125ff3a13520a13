"""A small checkpoint laid out as Ziya-LLaMA-13B-v1 and its siblings are, with random weights.

A Llama of 39,424 embeddings, more than its sentencepiece tokenizer has pieces, with BOS before
every text and no chat template anywhere. Those that no piece stands for are never sampled.
"""

from __future__ import annotations

import json
from pathlib import Path

import sentencepiece
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from tests.support.rewards import ziya_replica

VOCABULARY = 39_424
BOS, EOS = 1, 2
FIRST_PIECE = 259
"""Behind the three special tokens and the 256 bytes."""

ENDS = 0.5
"""Of the end token: about one token in ten is it."""


def write(folder: Path, *, seed: int = 0) -> None:
    """Write the checkpoint into a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=64,  # two heads of 32: the least that the CPU engine takes
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=512,
        bos_token_id=BOS,
        eos_token_id=EOS,
        pad_token_id=0,
        tie_word_embeddings=False,
        dtype=torch.float32,
    )
    torch.manual_seed(seed)
    model = LlamaForCausalLM(config)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        # The first dimension is the same everywhere, so a head that reads it moves whole tokens.
        model.model.embed_tokens.weight[:, 0] = 1.0
        head = torch.randn(model.lm_head.weight.shape) * 0.3
        head[:, 0] = 0.0
        head[ziya_replica.PIECES :, 0] = -40.0
        head[:FIRST_PIECE, 0] = -40.0  # neither <unk>, BOS nor bytes, which make no text
        head[EOS, 0] = ENDS
        model.lm_head.weight.copy_(head)
    model.save_pretrained(folder)
    ziya_replica.write_pieces(folder)
    named = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    (folder / "special_tokens_map.json").write_text(json.dumps(named))
    settings = {
        **named,
        "add_bos_token": True,
        "add_eos_token": False,
        "model_max_length": 2048,
        "tokenizer_class": "LlamaTokenizer",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


def ids_of(folder: Path, *pieces: str | int) -> list[int]:
    """BOS, and the ids of the pieces of a text, each by sentencepiece itself; numbers are ids.

    The mark of a word's beginning, which sentencepiece puts before any text, stands before the
    first piece alone, as transformers has it.
    """
    model = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
    ids = [BOS]
    for piece in pieces:
        if isinstance(piece, int):
            ids.append(piece)
        else:
            encoded = model.encode(piece)
            begins = len(ids) > 1 and model.id_to_piece(encoded[0]) == "\u2581"
            ids += encoded[1:] if begins else encoded
    return ids
