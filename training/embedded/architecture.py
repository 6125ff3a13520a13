"""The shapes of the two networks."""

from __future__ import annotations

import copy

import torch
from transformers import (
    GenerationConfig,
    LlamaConfig,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    PreTrainedTokenizerFast,
)

from training.embedded.chat import BOS, EOS, PAD, token_id

CONTEXT = 1024
JUDGING_LAYERS = 2
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
        bos_token_id=token_id(tokenizer, BOS),
        eos_token_id=token_id(tokenizer, EOS),
        pad_token_id=token_id(tokenizer, PAD),
        use_cache=True,
    )
    model = LlamaForCausalLM(config)  # type: ignore[no-untyped-call]
    model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
        bos_token_id=token_id(tokenizer, BOS),
        eos_token_id=token_id(tokenizer, EOS),
        pad_token_id=token_id(tokenizer, PAD),
        do_sample=True,
    )
    return model


def reward_model_from(language_model: LlamaForCausalLM) -> LlamaForSequenceClassification:
    """A one-label classifier: the body of `language_model`, `JUDGING_LAYERS` above it, a head.

    What the language model expects after a token is known only in its last layer: the first layer
    above compares that with the token that came, the next one gathers what was found over the
    answer. The new layers start as the identity and the head as zero, and the language model below
    them is frozen: what it knows is what answers are judged by, and pairs alone would not teach it.
    """
    config = copy.deepcopy(language_model.config)
    config.num_labels = 1
    config.num_hidden_layers += JUDGING_LAYERS
    config.architectures = None
    config.tie_word_embeddings = False
    model = LlamaForSequenceClassification(config)  # type: ignore[no-untyped-call]
    missing = model.model.load_state_dict(language_model.model.state_dict(), strict=False)
    fresh = tuple(f"layers.{LAYERS + i}." for i in range(JUDGING_LAYERS))
    if missing.unexpected_keys or not all(k.startswith(fresh) for k in missing.missing_keys):
        raise ValueError(f"the language model does not fit under the reward model: {missing}")
    # The last norm too: its weight and the head's are one product.
    for module in (model.model.embed_tokens, *model.model.layers[:LAYERS], model.model.norm):
        module.requires_grad_(False)
    with torch.no_grad():
        model.score.weight.zero_()
        for layer in model.model.layers[LAYERS:]:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
    return model
