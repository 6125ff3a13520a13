"""A small DeBERTa-v3 sequence classifier on disk, as OpenAssistant's reward models are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sentencepiece
import torch
import transformers

from tests.support.rewards.ziya_replica import CORPUS


def write(folder: Path) -> tuple[Any, Any]:
    """Its tokenizer and network, in DeBERTa-v3's layout.

    Relative positions, no token types, sentencepiece in spm.model.
    """
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS),
        model_prefix=str(folder / "spm"),
        model_type="unigram",
        vocab_size=220,
        pad_id=0,
        bos_id=1,
        eos_id=2,
        unk_id=3,
        pad_piece="[PAD]",
        bos_piece="[CLS]",
        eos_piece="[SEP]",
        unk_piece="[UNK]",
        hard_vocab_limit=False,
        num_threads=1,
        minloglevel=2,
    )
    (folder / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "DebertaV2Tokenizer", "do_lower_case": false, "vocab_type": "spm"}'
    )
    config = transformers.DebertaV2Config(  # type: ignore[call-arg]
        vocab_size=240,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        type_vocab_size=0,
        relative_attention=True,
        position_buckets=16,
        max_relative_positions=-1,
        pos_att_type=["p2c", "c2p"],
        norm_rel_ebd="layer_norm",
        share_att_key=True,
        position_biased_input=False,
        pooler_hidden_size=32,
        num_labels=1,
        initializer_range=0.5,
    )
    torch.manual_seed(0)
    build: Any = transformers.AutoModelForSequenceClassification.from_config
    network = build(config).eval()
    network.save_pretrained(folder)
    return transformers.AutoTokenizer.from_pretrained(folder), network
