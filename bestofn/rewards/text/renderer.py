"""Render a conversation and a candidate to the text that a reward model reads, by a template.

A template is Jinja in transformers' sandbox. Its variables: `messages` (the conversation with the
candidate as its last message, contents as plain text), `prompt` (text of the newest user message),
`response` (the candidate's text), `ended` (whether it ended by itself), `tools`, `bos_token` and
`eos_token`. A template that mentions neither `response` nor `ended` is a chat template: where the
candidate did not end, its text stops right after the last word, as `continue_final_message` does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jinja2
import jinja2.meta
from transformers.utils.chat_template_utils import (
    _compile_jinja_template,  # the sandbox that chat templates are written for; cached
    render_jinja_template,
)

from bestofn.core.errors import ConfigError
from bestofn.core.types import Candidate, Failure, Message, Request, message_text
from bestofn.support.error_text import first_line
from bestofn.support.tool_arguments import function_of

UNRENDERABLE = "message_not_rendered"
"""`Failure.reason` where the template cannot show a conversation."""

Arrange = Callable[[Sequence[Mapping[str, Any]]], list[dict[str, Any]]]
"""A conversation, the candidate last, to the one that the template shows."""

TEMPLATE_FAULTS = (
    jinja2.TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
"""What a template raises on messages that it was not written for."""


@dataclass(frozen=True, slots=True)
class Renderer:
    """Makes the texts of one reward model.

    Args:
        template: Jinja, see the module.
        special_tokens: `bos_token`, `eos_token` and the like, as text.
        continues: whether it is a chat template, whose end is cut off for unfinished candidates.
        fold_system: put system text before the first user message.
        arrange: what becomes of the messages before the template shows them.
        ending: Jinja text after candidates that ended; see `bestofn.rewards.text.formats.Format`.
    """

    template: str
    special_tokens: Mapping[str, str]
    continues: bool
    fold_system: bool = False
    ending: str | None = None
    arrange: Arrange | None = None

    def render(self, request: Request, candidates: Sequence[Candidate]) -> list[str | Failure]:
        """The text of each candidate, in the order given; a `Failure` where it has none."""
        return [self._try(request, candidate) for candidate in candidates]

    def _try(self, request: Request, candidate: Candidate) -> str | Failure:
        try:
            return self._text(request, candidate)
        except TEMPLATE_FAULTS as error:
            return Failure(UNRENDERABLE, f"the template cannot show it: {first_line(error)}")

    def _text(self, request: Request, candidate: Candidate) -> str:
        messages = [plain_message(message) for message in (*request.messages, candidate.message)]
        if self.fold_system:
            messages = fold_system(messages)
        if messages[-1].get("tool_calls") and not candidate.ended:
            raise ValueError("a tool call was cut off")
        if self.arrange is not None:
            messages = self.arrange(messages)
        variables: dict[str, Any] = {
            **self.special_tokens,
            "prompt": request.last_user_text,
            "response": messages[-1]["content"],
            "ended": candidate.ended,
        }
        rendered: Any = render_jinja_template(
            [messages],
            tools=request.options.get("tools"),
            chat_template=self.template,
            continue_final_message=self.continues and not candidate.ended,
            **variables,
        )
        text: str = rendered[0][0]
        return self._end(text) if self.ending and candidate.ended else text

    def _end(self, text: str) -> str:
        text = text.rstrip("\n")
        eos = self.special_tokens.get("eos_token", "")
        if eos and text.endswith(eos):
            return text
        ending: str = _compile_jinja_template(self.ending).render(**self.special_tokens)
        return text + ending


def is_chat_template(template: str) -> bool:
    """Whether a template reads `messages` only, and so has to be cut for unfinished candidates.

    Raises:
        ConfigError: it is no Jinja.
    """
    try:
        environment = _compile_jinja_template(template).environment
    except jinja2.TemplateSyntaxError as error:
        raise ConfigError(f"line {error.lineno} of the template: {error.message}") from error
    variables = jinja2.meta.find_undeclared_variables(environment.parse(template))
    return not variables & {"response", "ended"}


def plain_message(message: Message) -> dict[str, Any]:
    """The message as chat templates expect it.

    Text parts become one string; absent content ''; tool arguments, which OpenAI's API writes as
    JSON text, objects; fields that are None or empty go (templates ask whether they are there).

    Raises:
        ValueError: a part is not text.
    """
    content = message.get("content")
    if isinstance(content, Sequence) and not isinstance(content, str):
        for part in content:
            if not isinstance(part, Mapping) or part.get("type", "text") != "text":
                raise ValueError("a part of a message is not text")
    plain = {key: value for key, value in message.items() if value is not None and value != []}
    plain["content"] = message_text(message)
    if calls := plain.get("tool_calls"):
        plain["tool_calls"] = [_plain_call(call) for call in calls]
    return plain


def _plain_call(call: Mapping[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in call.items() if name != "custom"}
    return {**rest, "type": "function", "function": function_of(call)}


def fold_system(messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """System text moved before the first user message, a blank line between; none: unchanged."""
    system = [m["content"] for m in messages if m.get("role") == "system"]
    rest = [m for m in messages if m.get("role") != "system"]
    first = next((i for i, m in enumerate(rest) if m.get("role") == "user"), None)
    if not system or first is None:
        return list(messages)
    rest[first] = {**rest[first], "content": "\n\n".join([*system, rest[first]["content"]])}
    return rest
