"""Owns the table of named formats: how known reward models want their text.

A format that is not here is the model's own chat template, or a Jinja template the user gives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bestofn.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Format:
    """One way to make the text.

    Args:
        name: what the user calls it.
        template: Jinja, with the variables of `bestofn.rewards.rendering`; None: the model's own
            chat template.
        fold_system: system text goes before the first user message, a blank line between, because
            the model was trained without system messages.
        ending: Jinja text after a candidate that ended by itself and does not yet end in the end
            token; trailing newlines of the template go first.
        max_tokens: the longest text the model was trained on, where its config does not say so.
        recognises: whether a config.json belongs to a model that wants this format.
    """

    name: str
    template: str | None = None
    fold_system: bool = False
    ending: str | None = None
    max_tokens: int | None = None
    recognises: Callable[[Mapping[str, Any]], bool] = lambda config: False


ZIYA_TEMPLATE = """
{%- for message in messages %}
    {%- if message.tool_calls or message.role not in ('system', 'user', 'assistant') %}
        {{- raise_exception('the ziya format knows no tools, only system, user and assistant') }}
    {%- elif message.role == 'assistant' %}
        {{- '\\n\\nAssistant:' + message.content }}
    {%- else %}
        {%- set before = messages[loop.index0 - 1].role if not loop.first else '' %}
        {{- '\\n' if before == 'system' else ('' if loop.first else '\\n\\n') }}
        {{- ('' if before == 'system' else 'Human:') + message.content }}
    {%- endif %}
{%- endfor %}"""
"""The model card's `Human:{query}\\n\\nAssistant:{response}`, without spaces.

The card shows one turn. Further turns repeat the pattern with a blank line between; a system
message opens the human's turn, one newline before what the human says.
"""

FORMATS = {
    known.name: known
    for known in (
        # IDEA-CCNL/Ziya-LLaMA-7B-Reward: text and max_length 1024 as its model card has them.
        Format(
            "ziya",
            ZIYA_TEMPLATE,
            max_tokens=1024,
            recognises=lambda config: "LlamaRewardModel" in (config.get("architectures") or ()),
        ),
        # Trained with OpenRLHF: the chat template, then a space and the end token. Its configs
        # carry `value_head_prefix`.
        Format(
            "openrlhf",
            ending=" {{ eos_token }}",
            recognises=lambda config: "value_head_prefix" in config,
        ),
        # Skywork-Reward-V2: the chat template, without a system message. Its config is that of
        # the model it was tuned from, so it has to be named.
        Format("skywork-v2", fold_system=True),
    )
}
"""Every named format."""


def named_format(name: str) -> Format:
    """The format of that name.

    Raises:
        ConfigError: there is none.
    """
    if name not in FORMATS:
        raise ConfigError(f"no format is called {name}; there are {', '.join(sorted(FORMATS))}")
    return FORMATS[name]


def recognised_format(config: Mapping[str, Any]) -> Format | None:
    """The first format whose rule fits the checkpoint's config.json, or None."""
    return next((known for known in FORMATS.values() if known.recognises(config)), None)
