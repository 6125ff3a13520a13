"""Owns process reward models that are plain language models: RLHFlow's PRM and math-shepherd.

The reward of a step is the softmax of two tokens' logits, so of lm_head only those two rows stay.
Sources: math-rm/prm_evaluate.py of RLHFlow's repository (the logits that predict the answer "+",
"+" against "-"); math-shepherd's model card (the logits at the token of "ки" after each step).
"""

from __future__ import annotations

from typing import Any

from transformers import AutoModelForCausalLM

from bestofn.core.errors import ModelError
from bestofn.rewards.checkpoints.common import (
    Text,
    causal,
    framed_encoder,
    read_settings,
    read_tokenizer,
)
from bestofn.rewards.checkpoints.heads import Chance, rows_of
from bestofn.rewards.checkpoints.interface import Loaded, Source
from bestofn.rewards.checkpoints.weights import read_weights
from bestofn.rewards.text.encoder import Encoder
from bestofn.rewards.text.steps import (
    SEPARATOR,
    Answered,
    Marked,
    StepVerdict,
    answered_turn,
    places_before_end,
    places_of,
)

STEP_TAG = " ки"
"""Ends each step of what math-shepherd was trained on; steps are lines."""


def load_rlhflow(source: Source) -> Loaded:
    """Read the checkpoint; see `bestofn.rewards.checkpoints.loading.load`."""
    tokenizer = read_tokenizer(source)
    encoder = framed_encoder(source, tokenizer)
    answer = _answer(source, tokenizer)
    places = places_before_end(encoder.tokenise([answer])[0])
    shown = _shown(tokenizer, "1 + 1 = 2", "so 3")
    if len(places(encoder([shown], [True])[0])) != 2:
        raise ModelError(
            f"{source.folder}: the answers that its chat template shows cannot be found in its "
            "tokens; name a checkpoint with Llama 3's template"
        )
    separator = source.steps.separator or SEPARATOR
    signs = [encoder.tokenise([sign])[0][-1] for sign in "+-"]
    text = Text(places, _verdict(source), Answered(separator, answer), encoder)
    return _load(source, tokenizer, signs, text)


def load_shepherd(source: Source) -> Loaded:
    """Read the checkpoint; see `bestofn.rewards.checkpoints.loading.load`."""
    tokenizer = read_tokenizer(source)
    encoder = framed_encoder(source, tokenizer)
    # The card takes the last token of "ки", and the two of "+ -".
    tag = encoder.tokenise([STEP_TAG.strip()])[0][-1]
    signs = encoder.tokenise(["+ -"])[0]
    separator = source.steps.separator or SEPARATOR
    marked = Marked(separator, STEP_TAG, joint="\n")
    _check_tokens(source, encoder, tag, signs)
    text = Text(places_of(tag), _verdict(source), marked, encoder)
    return _load(source, tokenizer, signs, text)


def _load(source: Source, tokenizer: Any, signs: list[int], text: Text) -> Loaded:
    settings = read_settings(source)
    dtype = source.placement.dtype_for(settings)
    model: Any = read_weights(
        AutoModelForCausalLM, source.folder, settings, source.placement, dtype
    )
    head = rows_of(model.get_output_embeddings(), signs)
    return causal(
        source, settings, model.base_model, Chance(head, 0), tokenizer=tokenizer, text=text
    )


def _verdict(source: Source) -> StepVerdict:
    assert source.format.aggregate is not None
    return StepVerdict(source.steps.aggregate or source.format.aggregate)


def _shown(tokenizer: Any, *steps: str) -> str:
    turns = [turn for step in steps for turn in answered_turn(step)]
    shown: str = tokenizer.apply_chat_template(turns, tokenize=False)
    return shown


def _answer(source: Source, tokenizer: Any) -> str:
    """What the chat template shows from the end of a step to the "+" that answers it."""
    if tokenizer.chat_template is None:
        raise ModelError(f"{source.folder} has no chat template, which shows it the steps")
    after = _shown(tokenizer, "STEP").partition("STEP")[2]
    return after[: after.index("+") + 1]


def _check_tokens(source: Source, encoder: Encoder, tag: int, signs: list[int]) -> None:
    ids = encoder.tokenise([f"one{STEP_TAG}\ntwo{STEP_TAG}"])[0]
    if len(signs) != 2 or ids.count(tag) != 2 or ids[-1] != tag:
        raise ModelError(
            f"{source.folder}: in its tokenizer, + and - and{STEP_TAG} are not one token each, as "
            "in math-shepherd's"
        )
