"""The chat format both embedded models share: marks, template, random conversations."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from training.world import Task

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

BOS, EOS, PAD, UNK = "<s>", "</s>", "<pad>", "<unk>"
SYSTEM, USER, ASSISTANT = "<|system|>", "<|user|>", "<|assistant|>"
SPECIAL_TOKENS = (UNK, BOS, EOS, PAD, SYSTEM, USER, ASSISTANT)
"""In the order of their ids, from 0."""

CHAT_TEMPLATE = (
    "{{ bos_token }}"
    "{% for message in messages %}"
    "{% if message['role'] not in ['system', 'developer', 'user', 'assistant'] %}"
    "{{ raise_exception('the roles are system, user and assistant') }}"
    "{% endif %}"
    "{% set role = 'system' if message['role'] == 'developer' else message['role'] %}"
    "{{ '<|' + role + '|>' + (message['content'] or '') + eos_token }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)

_SYSTEM_PROMPTS = (
    "You are a helpful assistant.",
    "Answer briefly.",
    "You are a careful assistant. Answer in one sentence.",
    "你是一个有用的助手。",
    "请简短地回答。",
)


def token_id(tokenizer: PreTrainedTokenizerFast, mark: str) -> int:
    """The id of one of the marks."""
    (identifier,) = tokenizer.encode(mark, add_special_tokens=False)
    return int(identifier)


def render(messages: list[tuple[str, str]], answer: str, *, ended: bool) -> str:
    """What the chat template makes of `messages` as (role mark, text) and the answer to them.

    The end token follows the answer only when the model ended it by itself.
    """
    turns = "".join(f"{mark}{text}{EOS}" for mark, text in messages)
    return f"{BOS}{turns}{ASSISTANT}{answer}{EOS if ended else ''}"


def conversation(rng: random.Random, task: Task, earlier: Task) -> list[tuple[str, str]]:
    """Messages that end in the prompt of `task`.

    Most are that prompt alone; some open with a system prompt, some with `earlier` and its answer,
    so that the models know both.
    """
    messages = []
    if rng.random() < 0.15:
        messages.append((SYSTEM, rng.choice(_SYSTEM_PROMPTS)))
    if rng.random() < 0.06:
        messages += [(USER, earlier.prompt), (ASSISTANT, rng.choice(earlier.answers))]
    return [*messages, (USER, task.prompt)]
