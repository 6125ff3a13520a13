"""Owns the shape of the two networks."""

from __future__ import annotations

import torch
from transformers import (
    GenerationConfig,
    LlamaConfig,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    PreTrainedTokenizerFast,
)

CONTEXT = 1024
HIDDEN, INTERMEDIATE, LAYERS, HEADS, HEAD_DIM = 192, 512, 4, 6, 32  # vLLM on CPUs: 32, 64, 96, 128


def new_language_model(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """A freshly initialised language model over the tokenizer's vocabulary."""
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=HIDDEN,
        intermediate_size=INTERMEDIATE,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        head_dim=HEAD_DIM,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        use_cache=True,
    )
    model = LlamaForCausalLM(config)  # type: ignore[no-untyped-call]
    model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        do_sample=True,
    )
    return model


def reward_model_from(language_model: LlamaForCausalLM) -> LlamaForSequenceClassification:
    """A one-label classifier with the body of `language_model` and a head of zeros."""
    config = LlamaConfig(**{**language_model.config.to_dict(), "num_labels": 1})
    config.architectures = None
    config.tie_word_embeddings = False
    model = LlamaForSequenceClassification(config)  # type: ignore[no-untyped-call]
    model.model.load_state_dict(language_model.model.state_dict())
    with torch.no_grad():
        model.score.weight.zero_()
    return model
