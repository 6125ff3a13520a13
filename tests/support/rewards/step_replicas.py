"""Small process reward models: Qwen2.5-Math-PRM's layout, RLHFlow's, math-shepherd's.

`steps` of each gives what every step should be worth, computed in plain PyTorch of the weights as
they stand, over ids that are put together by hand.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import Tensor

from tests.support.rewards import classifier_replica, plain_llama
from tests.support.rewards.internlm2_replica import ASK, Weights, save
from tests.support.rewards.replicas import llama, mlp, write_mlp

MARK = "<extra_0>"
VOCABULARY = 352


@dataclass(frozen=True)
class StepReplica:
    """A family's small checkpoint.

    Args:
        name: the format.
        write: makes the checkpoint in an empty folder, and returns its weights.
        steps: the rewards of steps (folder, steps, weights).
        options: of `TransformersRewardModel.load`.
        aggregate: what the family does by default.
    """

    name: str
    write: Callable[[Path], Weights]
    steps: Callable[[Path, Sequence[str], Weights], list[float]]
    options: Mapping[str, Any]
    aggregate: str


def _with_tokens(folder: Path, weights: dict[str, Tensor], *tokens: str) -> None:
    """Add special tokens, and rows of the embedding for them."""
    path = str(folder / "tokenizer.json")
    tokenizer = Tokenizer.from_file(path)
    tokenizer.add_special_tokens([*tokens])
    tokenizer.save(path)
    _widen(weights)


def _widen(weights: dict[str, Tensor]) -> None:
    rows = weights["model.embed_tokens.weight"]
    generator = torch.Generator().manual_seed(9)
    more = torch.randn(VOCABULARY - len(rows), rows.shape[1], generator=generator)
    weights["model.embed_tokens.weight"] = torch.cat([rows, more])


def _write_qwen(folder: Path) -> Weights:
    weights = dict(write_mlp("Qwen2ForProcessRewardModel", 2)(folder))
    _with_tokens(folder, weights, MARK)
    _set(folder, vocab_size=VOCABULARY)
    return save(folder, weights)


def _set(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def _qwen_steps(folder: Path, steps: Sequence[str], weights: Weights) -> list[float]:
    text = classifier_replica.chat(
        ("user", ASK), ("assistant", "".join(step + MARK for step in steps))
    )
    ids = classifier_replica.ids_of(folder, text)
    mark = Tokenizer.from_file(str(folder / "tokenizer.json")).token_to_id(MARK)
    at = [place for place, token in enumerate(ids) if token == mark]
    states = plain_llama.states(ids, weights, classifier_replica.shape_of("qwen2"))
    return torch.softmax(mlp(states[at], weights), -1)[:, 1].tolist()


def _language_model(folder: Path, architecture: str, family: str) -> dict[str, Tensor]:
    changes = {"architectures": [architecture], "vocab_size": VOCABULARY}
    weights = llama(folder, changes, family)
    del weights["score.weight"]
    _widen(weights)
    generator = torch.Generator().manual_seed(6)
    size = classifier_replica.shape_of(family).hidden
    weights["lm_head.weight"] = torch.randn(VOCABULARY, size, generator=generator) / 4
    return weights


def _write_rlhflow(folder: Path) -> Weights:
    return save(folder, _language_model(folder, "LlamaForCausalLM", "llama"))


def _rlhflow_steps(folder: Path, steps: Sequence[str], weights: Weights) -> list[float]:
    """One forward for each step, of the conversation until then, as in the authors' script."""
    plus, minus = (classifier_replica.ids_of(folder, sign)[-1] for sign in "+-")
    found = []
    for until in range(1, len(steps) + 1):
        said = [f"{ASK} {steps[0]}", *steps[1:until]]
        turns = [turn for step in said for turn in (("user", step), ("assistant", "+"))]
        ids = classifier_replica.ids_of(folder, classifier_replica.chat(*turns))
        # ... START assistant \n + END: the "+" is the last but one, and predicted before it.
        found.append(_of_two(ids[:-2], weights, plus, minus, "llama"))
    return found


def _of_two(ids: Sequence[int], weights: Weights, one: int, other: int, family: str) -> float:
    shape = classifier_replica.shape_of(family)
    logits = weights["lm_head.weight"] @ plain_llama.states(ids, weights, shape)[-1]
    return float(1 / (1 + torch.exp(logits[other] - logits[one])))


def _write_shepherd(folder: Path) -> Weights:
    weights = _language_model(folder, "MistralForCausalLM", "mistral")
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    tokenizer.decoder = decoders.Metaspace()
    corpus = ["a ки b ки + - one two three ки", "what is the colour of the sky? It is blue."] * 40
    trainer = trainers.BpeTrainer(
        vocab_size=260,
        special_tokens=["<unk>", "<s>", "</s>"],
        initial_alphabet=["\n", *map(chr, range(33, 126))],
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 1)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>"}'
    )
    return save(folder, weights)


def _shepherd_steps(folder: Path, steps: Sequence[str], weights: Weights) -> list[float]:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    vocabulary = tokenizer.get_vocab()
    tag, plus, minus = (vocabulary[token] for token in ("▁ки", "▁+", "▁-"))
    text = f"{ASK} " + "\n".join(f"{step} ки" for step in steps)
    ids = tokenizer.encode(text).ids
    places = [at for at, token in enumerate(ids) if token == tag]
    return [_of_two(ids[: at + 1], weights, plus, minus, "mistral") for at in places]


STEP_REPLICAS = {
    "qwen-math-prm": StepReplica("qwen-math-prm", _write_qwen, _qwen_steps, {}, "prod"),
    "rlhflow-prm": StepReplica(
        "rlhflow-prm", _write_rlhflow, _rlhflow_steps, {"format": "rlhflow-prm"}, "mean"
    ),
    "math-shepherd": StepReplica(
        "math-shepherd", _write_shepherd, _shepherd_steps, {"format": "math-shepherd"}, "min"
    ),
}
