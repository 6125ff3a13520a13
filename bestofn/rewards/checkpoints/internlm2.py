"""InternLM2-Reward: a Llama trunk under other names, with a `v_head` without bias.

transformers has no InternLM2, so its weights become those of a Llama: `wqkv` holds, for each head
of keys and values, the queries of its group, its key and its value; w1, w3 and w2 are the gate, up
and down projections (InternLM's modeling_internlm2.py; vLLM's internlm2.py reads them alike). The
model reads the chat template's text and then the token `reward_token_id`, where the score is taken
(`get_score` there).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from sentencepiece import SentencePieceProcessor
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaModel
from transformers.models.llama.modeling_llama import LlamaPreTrainedModel

from bestofn.core.errors import ModelError
from bestofn.rewards.checkpoints.interface import Checkpoint, LoadedModel
from bestofn.rewards.checkpoints.tensors import READING_FAULTS, read_tensors
from bestofn.rewards.checkpoints.weights import read_weights
from bestofn.rewards.local.choose_reader import causal_reader
from bestofn.rewards.local.readers import Head
from bestofn.rewards.text.contents import Rendered, SpecialTokens, any_of
from bestofn.rewards.text.encoder import Encoder
from bestofn.rewards.text.text_spec import TextSpec
from bestofn.support.checkpoint import read_json
from bestofn.support.error_text import first_line

REWARD_TOKEN = 92527
"""`reward_token_id` of the published configs."""

NAMES = {
    "model.tok_embeddings": "model.embed_tokens",
    "attention_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attention.wo": "self_attn.o_proj",
    "feed_forward.w1": "mlp.gate_proj",
    "feed_forward.w3": "mlp.up_proj",
    "feed_forward.w2": "mlp.down_proj",
}
"""Parts of InternLM2's names, and Llama's words for them."""

SHARED_FIELDS = (
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "vocab_size",
    "rms_norm_eps",
    "hidden_act",
    "rope_theta",
    "max_position_embeddings",
    "torch_dtype",
)
"""Fields of its config that mean to a Llama what they mean to it."""

CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}"
)
"""InternLM2's own, for a folder whose tokenizer_config.json has none."""


class InternLM2RewardModel(LlamaPreTrainedModel):  # type: ignore[no-untyped-call]
    """A Llama with the head under its own name."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__(config)
        self.model = LlamaModel(config)
        self.v_head = nn.Linear(config.hidden_size, 1, bias=False)
        self.post_init()  # type: ignore[no-untyped-call]


def load(checkpoint: Checkpoint) -> LoadedModel:
    """Read the checkpoint; see `bestofn.rewards.checkpoints.loading.load`."""
    spec = text_spec(checkpoint)
    config = _llama_config(checkpoint)
    dtype = checkpoint.placement.dtype_for(config)
    weights = {
        name: part.to(dtype)
        for original, tensor in read_tensors(checkpoint.folder)
        for name, part in _converted(original, tensor, config)
    }
    model: Any = read_weights(
        InternLM2RewardModel,
        checkpoint.folder,
        config,
        checkpoint.placement,
        dtype,
        converted=weights,
    )
    return LoadedModel(
        reader=causal_reader(model.model, Head(model.v_head), checkpoint.settings.cache_tokens),
        device=checkpoint.placement.device,
        spec=spec,
        format=checkpoint.format,
    )


def text_spec(checkpoint: Checkpoint) -> TextSpec:
    """How the checkpoint wants its texts.

    Raises:
        ModelError: its tokenizer cannot be read.
    """
    tokenizer_config = read_json(checkpoint.folder / "tokenizer_config.json")
    special = {
        key: value["content"] if isinstance(value, dict) else value
        for key, value in tokenizer_config.items()
        if key in ("bos_token", "eos_token") and value
    }
    tokeniser = _Tokeniser.read(checkpoint.folder, tokenizer_config)
    encoder = Encoder(
        lambda texts: [tokeniser(Rendered(text)) for text in texts],
        lead=(),
        tail=(int(checkpoint.config.get("reward_token_id", REWARD_TOKEN)),),
        closes_all=True,  # the score is read there, whether or not the candidate ended
        special=SpecialTokens.of(tokeniser.added),
        tokenise_spelled=tokeniser,
    )
    config = _llama_config(checkpoint)
    return TextSpec(
        encoder=encoder,
        special_tokens=special,
        chat_template=tokenizer_config.get("chat_template") or CHAT_TEMPLATE,
        max_tokens=config.max_position_embeddings,
        vocabulary=config.vocab_size,
    )


def _llama_config(checkpoint: Checkpoint) -> LlamaConfig:
    if any(name.endswith("wqkv.bias") for name in checkpoint.tensors):
        raise ModelError(
            f"{checkpoint.folder} has biases in its attention, which are not read here"
        )
    scaling = checkpoint.config.get("rope_scaling") or {}
    kind = scaling.get("rope_type", scaling.get("type"))
    # Dynamic scaling begins where texts are longer than max_position_embeddings: none are scored.
    if kind not in (None, "default", "dynamic"):
        raise ModelError(f"{checkpoint.folder}/config.json: rope_scaling {kind} is not read here")
    try:
        return LlamaConfig(
            **{key: checkpoint.config[key] for key in SHARED_FIELDS if key in checkpoint.config}
        )
    except READING_FAULTS as error:
        raise ModelError(
            f"{checkpoint.folder}/config.json cannot be used: {first_line(error)}"
        ) from error


def _converted(name: str, tensor: Tensor, config: LlamaConfig) -> list[tuple[str, Tensor]]:
    if name.endswith("attention.wqkv.weight"):
        before = name.removesuffix("attention.wqkv.weight")
        keys = config.num_key_value_heads or config.num_attention_heads
        queries = config.num_attention_heads // keys
        heads = tensor.view(keys, queries + 2, -1, config.hidden_size)
        parts = {"q": heads[:, :queries], "k": heads[:, queries], "v": heads[:, queries + 1]}
        return [
            (f"{before}self_attn.{letter}_proj.weight", part.reshape(-1, config.hidden_size))
            for letter, part in parts.items()
        ]
    for theirs, ours in NAMES.items():
        name = name.replace(theirs, ours)
    return [(name, tensor)]


@dataclass(frozen=True, slots=True)
class _Tokeniser:
    """Sentencepiece's ids, of each piece of text between the added tokens that it spells.

    Args:
        pieces: sentencepiece.
        added: spelling and id of the added tokens.
    """

    pieces: Any
    added: Mapping[str, int]

    @classmethod
    def read(cls, folder: Path, tokenizer_config: dict[str, Any]) -> Self:
        """The folder's.

        Raises:
            ModelError: tokenizer.model is absent or unreadable.
        """
        path = folder / "tokenizer.model"
        try:
            pieces = SentencePieceProcessor(model_file=str(path))
        except READING_FAULTS as error:
            raise ModelError(f"{path} cannot be read: {first_line(error)}") from error
        decoder = tokenizer_config.get("added_tokens_decoder", {})
        return cls(pieces, {token["content"]: int(at) for at, token in decoder.items()})

    def __call__(self, text: Rendered) -> list[int]:
        """The ids of a text; what contents spell of the added tokens is cut as any text."""
        found: list[int] = []
        at = 0
        for begin, end in self._places(text):
            found += self.pieces.encode(text.text[at:begin]) if at < begin else []
            found.append(self.added[text.text[begin:end]])
            at = end
        return found + (self.pieces.encode(text.text[at:]) if at < len(text.text) else [])

    def _places(self, text: Rendered) -> Iterator[tuple[int, int]]:
        pattern = any_of(list(self.added))
        spelled = {begin for begin, _ in text.spelled}
        for match in pattern.finditer(text.text) if pattern is not None else ():
            if match.start() not in spelled:
                yield match.span()
