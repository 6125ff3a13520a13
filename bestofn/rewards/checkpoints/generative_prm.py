"""Generative process reward models, which are language models: RLHFlow's PRM and math-shepherd.

The reward of a step is the softmax of two tokens' logits, so of lm_head only those two rows stay.
Sources: math-rm/prm_evaluate.py of RLHFlow's repository (the logits that predict the answer "+",
"+" against "-"); math-shepherd's model card (the logits at the token of "ки" after each step).
"""

from __future__ import annotations

from typing import Any

from transformers import AutoModelForCausalLM

from bestofn.core.errors import ModelError
from bestofn.rewards.checkpoints.assembly import (
    TextOverrides,
    causal_model,
    framed_encoder,
    read_tokenizer,
    transformers_config,
)
from bestofn.rewards.checkpoints.heads import LabelProbability, select_outputs
from bestofn.rewards.checkpoints.interface import Checkpoint, LoadedModel
from bestofn.rewards.checkpoints.weights import read_weights
from bestofn.rewards.text.encoder import Encoder
from bestofn.rewards.text.positions import positions_before_end, positions_of
from bestofn.rewards.text.steps import (
    MarkSteps,
    ProcessReward,
    StepsAsTurns,
    step_turn,
)

STEP_TAG = " ки"
"""Ends each step of what math-shepherd was trained on; steps are lines."""


def load_rlhflow(checkpoint: Checkpoint) -> LoadedModel:
    """Read the checkpoint; see `bestofn.rewards.checkpoints.loading.load`."""
    tokenizer = read_tokenizer(checkpoint)
    encoder = framed_encoder(checkpoint, tokenizer)
    answer = _answer(checkpoint, tokenizer)
    positions = positions_before_end(encoder.tokenise([answer])[0])
    shown = _shown(tokenizer, "1 + 1 = 2", "so 3")
    if len(positions(encoder([shown], [True])[0])) != 2:
        raise ModelError(
            f"{checkpoint.folder}: the answers that its chat template shows cannot be found in its "
            "tokens; name a checkpoint with Llama 3's template"
        )
    signs = [encoder.tokenise([sign])[0][-1] for sign in "+-"]
    turns = StepsAsTurns(checkpoint.step_separator, answer)
    text = TextOverrides(positions, ProcessReward(checkpoint.aggregate), turns, encoder)
    return _load(checkpoint, tokenizer, signs, text)


def load_shepherd(checkpoint: Checkpoint) -> LoadedModel:
    """Read the checkpoint; see `bestofn.rewards.checkpoints.loading.load`."""
    tokenizer = read_tokenizer(checkpoint)
    encoder = framed_encoder(checkpoint, tokenizer)
    # The card takes the last token of "ки", and the two of "+ -".
    tag = encoder.tokenise([STEP_TAG.strip()])[0][-1]
    signs = encoder.tokenise(["+ -"])[0]
    marked = MarkSteps(checkpoint.step_separator, STEP_TAG, joint="\n")
    _check_tokens(checkpoint, encoder, tag, signs)
    text = TextOverrides(positions_of(tag), ProcessReward(checkpoint.aggregate), marked, encoder)
    return _load(checkpoint, tokenizer, signs, text)


def _load(
    checkpoint: Checkpoint, tokenizer: Any, signs: list[int], text: TextOverrides
) -> LoadedModel:
    config = transformers_config(checkpoint)
    dtype = checkpoint.placement.dtype_for(config)
    model: Any = read_weights(
        AutoModelForCausalLM, checkpoint.folder, config, checkpoint.placement, dtype
    )
    head = select_outputs(model.get_output_embeddings(), signs)
    return causal_model(
        checkpoint,
        config,
        model.base_model,
        LabelProbability(head, 0),
        tokenizer=tokenizer,
        text=text,
    )


def _shown(tokenizer: Any, *steps: str) -> str:
    turns = [turn for step in steps for turn in step_turn(step)]
    shown: str = tokenizer.apply_chat_template(turns, tokenize=False)
    return shown


def _answer(checkpoint: Checkpoint, tokenizer: Any) -> str:
    """What the chat template shows from the end of a step to the "+" that answers it."""
    if tokenizer.chat_template is None:
        raise ModelError(f"{checkpoint.folder} has no chat template, which shows it the steps")
    after = _shown(tokenizer, "STEP").partition("STEP")[2]
    return after[: after.index("+") + 1]


def _check_tokens(checkpoint: Checkpoint, encoder: Encoder, tag: int, signs: list[int]) -> None:
    ids = encoder.tokenise([f"one{STEP_TAG}\ntwo{STEP_TAG}"])[0]
    if len(signs) != 2 or ids.count(tag) != 2 or ids[-1] != tag:
        raise ModelError(
            f"{checkpoint.folder}: in its tokenizer, + and - and{STEP_TAG} are not one token each, "
            "as in math-shepherd's"
        )
