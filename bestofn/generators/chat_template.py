"""Chat templates for generators whose checkpoints have none: the shipped ones, and a user's own.

Example:
    template = chosen_template(None, "IDEA-CCNL/Ziya-LLaMA-13B-v1")
    template.render([{"role": "user", "content": "你好"}])        "<human>:你好\\n<bot>:"

A template goes into the engine in this process; for a server that has none the chat is rendered
here and asked for as a raw completion (`bestofn.generators.openai`).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from bestofn.core.errors import ConfigError, RequestError
from bestofn.core.message import TEXT_PARTS, kind_of_part
from bestofn.core.types import Message, message_text
from bestofn.support.error_text import first_line

NO_TEMPLATE = "none"
"""The setting that leaves a chat to the engine, whatever the model is called."""

ZIYA_13B = """
{%- set system = messages | selectattr('role', 'in', ['system', 'developer']) | list %}
{%- set turns = messages | rejectattr('role', 'in', ['system', 'developer']) | list %}
{%- for message in turns %}
    {%- if message.tool_calls or message.role not in ('user', 'assistant') %}
        {{- raise_exception('it knows no tools, only system, user and assistant') }}
    {%- elif message.role == 'user' %}
        {%- set parts = system | map(attribute='content') | list if loop.first else [] %}
        {{- '<human>:' + (parts + [message.content]) | join('\\n\\n') | trim + '\\n<bot>:' }}
    {%- elif loop.first %}
        {{- raise_exception('its first turn is the user\\'s') }}
    {%- else %}
        {{- message.content | trim + '</s>' }}
    {%- endif %}
{%- endfor %}"""
"""`<human>:{query}\\n<bot>:`, of the model cards, which strip the query. Further turns follow the
end token of each answer, as in the authors' own fine-tuning (Fengshenbang-LM, ziya_llama). It was
trained without system messages: their text goes before the first query, a blank line between."""


@dataclass(frozen=True, slots=True)
class ChatTemplate:
    """A conversation's text, up to where the answer begins.

    Args:
        name: what it is called.
        text: Jinja, with the variable `messages`, whose contents are plain text.
        framed: whether the tokenizer's own special tokens (BOS) go around the text; else they stand
            in the template, as is usual.
        models: the end of the names of the models that it is for; None: it has to be named.
    """

    name: str
    text: str
    framed: bool = False
    models: re.Pattern[str] | None = None

    def reads(self, variable: str) -> bool:
        """Whether the text depends on a variable of that name."""
        return variable in self.text

    def render(
        self, messages: Sequence[Message], variables: Mapping[str, Any] | None = None
    ) -> str:
        """The text.

        Args:
            messages: the conversation, oldest first.
            variables: further ones of the template's own.

        Raises:
            RequestError: the template cannot show it, or it holds more than text.
        """
        plain = [
            {**message, "content": message_text(message)}
            for message in text_messages(
                messages, f"the chat template {self.name} shows text alone"
            )
        ]
        try:
            text: str = _compiled(self.text).render(
                **{"add_generation_prompt": True, **(variables or {}), "messages": plain}
            )
        except (jinja2.TemplateError, TypeError, ValueError, KeyError) as error:
            raise RequestError(
                f"the chat template {self.name} cannot show this conversation: {first_line(error)}"
            ) from error
        return text


def text_messages(messages: Sequence[Message], refusal: str) -> list[dict[str, Any]]:
    """The messages, the parts of their contents joined; other contents are as they were.

    Args:
        messages: the conversation.
        refusal: ends the sentence where there is a part that is no text.

    Raises:
        RequestError: there is one.
    """
    for at, message in enumerate(messages, start=1):
        content = message.get("content")
        for part in content if isinstance(content, list | tuple) else ():
            kind = kind_of_part(part) if isinstance(part, Mapping) else "text"
            if kind not in TEXT_PARTS:
                raise RequestError(f"message {at} has a part of the type {kind}, and {refusal}")
    return [
        {**message, "content": message_text(message)}
        if isinstance(message.get("content"), list | tuple)
        else dict(message)
        for message in messages
    ]


TEMPLATES = {
    each.name: each
    for each in (
        ChatTemplate(
            "ziya-13b",
            ZIYA_13B,
            framed=True,
            models=re.compile(r"(?:^|[/\\]|--)ziya-llama-13b-v1(?:\.1)?(?=$|[/\\])", re.IGNORECASE),
        ),
    )
}
"""Every template that is shipped. It is taken by itself for the models that it is for."""


def chosen_template(given: str | None, model: str, *, has_own: bool = False) -> ChatTemplate | None:
    """The template for a generator; None: the chat is the engine's affair.

    Args:
        given: the setting: a name of `TEMPLATES`, Jinja, the path of a file with it, or
            `NO_TEMPLATE`; None: the shipped one of the model, if there is one.
        model: folder or name, as the user or the server says it.
        has_own: whether the checkpoint brings one, which then goes before a shipped one.

    Raises:
        ConfigError: it is none of these, or no Jinja.
    """
    if given is None:
        known = (each for each in TEMPLATES.values() if each.models and each.models.search(model))
        return None if has_own else next(known, None)
    if given == NO_TEMPLATE:
        return None
    return TEMPLATES.get(given) or _own(given)


def has_chat_template(model: str) -> bool:
    """Whether a local checkpoint brings a chat template; of a name on the hub False, since those
    that a shipped template is for have none."""
    folder = Path(model).expanduser()
    if any((folder / name).is_file() for name in ("chat_template.jinja", "chat_template.json")):
        return True
    try:
        return '"chat_template"' in (folder / "tokenizer_config.json").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False


def _own(given: str) -> ChatTemplate:
    """A user's own."""
    text, name = given, "of the settings"
    if "{" not in given:
        path = Path(given).expanduser()
        try:
            text, name = path.read_text(encoding="utf-8"), path.name
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"chat_template is {given}, which is neither a file nor one of "
                f"{', '.join([*sorted(TEMPLATES), NO_TEMPLATE])}"
            ) from error
    try:
        _compiled(text)
    except jinja2.TemplateSyntaxError as error:
        raise ConfigError(f"line {error.lineno} of the chat template: {error.message}") from error
    except jinja2.TemplateError as error:
        raise ConfigError(f"the chat template cannot be used: {first_line(error)}") from error
    return ChatTemplate(name, text)


@functools.lru_cache(maxsize=16)
def _compiled(text: str) -> jinja2.Template:
    """In the environment that chat templates are written for: transformers' trims blocks too."""
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.globals["raise_exception"] = _raise
    return environment.from_string(text)


def _raise(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)
