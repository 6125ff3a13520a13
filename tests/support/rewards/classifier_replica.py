"""Small sequence classifiers on disk: Llama, Mistral, Qwen2 and Qwen3 with random weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import Tensor

from tests.support.rewards import plain_llama
from tests.support.rewards.ziya_replica import CORPUS

BOS, START, END = "<|begin|>", "<|im_start|>", "<|im_end|>"
HEAD = "score"
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}"
    "{% if m.content is not string %}{{ raise_exception('content is no text') }}{% endif %}"
    "<|im_start|>{{ m.role }}\n{{ m.content }}"
    "{% if m.tool_calls %}{{ m.tool_calls | tojson }}{% endif %}"
    "{{ eos_token }}{{ '' if loop.last else '\n' }}{% endfor %}"
)
"""Ends in the end token, which is also the pad token: the place where pad ids mislead."""

FAMILIES = {
    "llama": "LlamaForSequenceClassification",
    "mistral": "MistralForSequenceClassification",
    "qwen2": "Qwen2ForSequenceClassification",
    "qwen3": "Qwen3ForSequenceClassification",
}


def shape_of(family: str) -> plain_llama.Shape:
    """Grouped queries throughout; Qwen3's head size is not hidden / heads."""
    return plain_llama.Shape(
        kv_heads=2, vocabulary=340, head_size=16 if family == "qwen3" else 0, theta=5000.0
    )


def write(
    folder: Path,
    family: str = "llama",
    *,
    chat_template: str | None = CHAT_TEMPLATE,
    adds_bos: bool = True,
    changes: dict[str, Any] | None = None,
    model_max_length: int | None = None,
    seed: int = 0,
) -> dict[str, Tensor]:
    """Write the checkpoint into an empty folder; returns its weights, for the plain reading.

    Args:
        folder: where.
        family: a key of `FAMILIES`.
        chat_template: of the tokenizer; None: it has none.
        adds_bos: whether the tokenizer puts BOS before what it encodes.
        changes: what config.json says otherwise; a value of None takes the key out.
        model_max_length: of the tokenizer.
        seed: of the weights.
    """
    shape = shape_of(family)
    weights = plain_llama.random_weights(shape, HEAD, family=family, seed=seed)
    config = {
        "architectures": [FAMILIES[family]],
        "model_type": family,
        "hidden_size": shape.hidden,
        "intermediate_size": shape.inner,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.width,
        "vocab_size": shape.vocabulary,
        "rms_norm_eps": shape.epsilon,
        "rope_theta": shape.theta,
        "max_position_embeddings": 256,
        "sliding_window": None,
        "id2label": {"0": "LABEL_0"},
        "label2id": {"LABEL_0": 0},
        "torch_dtype": "bfloat16",
        **(changes or {}),
    }
    tokenizer = write_tokenizer(
        folder, chat_template, adds_bos=adds_bos, model_max_length=model_max_length
    )
    pad = tokenizer.token_to_id(END)
    config = {"pad_token_id": pad, "eos_token_id": pad, **config}
    given = {key: value for key, value in config.items() if value is not None}
    # null says something here: without the key Mistral has a window of 4096.
    write_config(folder, {"sliding_window": None, **given})
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return weights


def write_config(folder: Path, config: dict[str, Any]) -> None:
    """Write config.json."""
    (folder / "config.json").write_text(json.dumps(config))


def write_tokenizer(
    folder: Path,
    chat_template: str | None,
    *,
    adds_bos: bool = True,
    model_max_length: int | None = None,
) -> Tokenizer:
    """Byte-level BPE whose pad token is its end token."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=340,
        special_tokens=[BOS, START, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    if adds_bos:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{BOS} $A", special_tokens=[(BOS, tokenizer.token_to_id(BOS))]
        )
    tokenizer.save(str(folder / "tokenizer.json"))
    settings: dict[str, Any] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": BOS,
        "eos_token": END,
        "pad_token": END,
    }
    if model_max_length is not None:
        settings["model_max_length"] = model_max_length
    if chat_template is not None:
        settings["chat_template"] = chat_template
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return tokenizer


def ids_of(folder: Path, text: str) -> list[int]:
    """The ids of a text that spells its own special tokens, by the tokenizers library itself."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    ids: list[int] = tokenizer.encode(text, add_special_tokens=False).ids
    return ids


def reference(folder: Path, weights: dict[str, Tensor], text: str, family: str = "llama") -> float:
    """The plain reading of a text that spells its own special tokens."""
    return plain_llama.reward(ids_of(folder, text), weights, shape_of(family), HEAD)


def chat(*turns: tuple[str, str], ended: bool = True) -> str:
    """What `CHAT_TEMPLATE` makes of (role, content) turns, written out by hand."""
    body = f"{END}\n".join(f"{START}{role}\n{content}" for role, content in turns)
    return BOS + body + (END if ended else "")
