"""Render a conversation and a candidate to the text that a reward model reads, by a template.

A template is Jinja in a bounded sandbox (`bestofn.rewards.text.sandbox`). Its variables: `messages`
(the conversation with the candidate as its last message, contents as plain text), `prompt` (text of
the newest user message), `response` (the candidate's text), `ended` (whether it ended by itself),
`tools`, `bos_token` and `eos_token`. A template that mentions neither `response` nor `ended` is a
chat template: where the candidate did not end, its text stops right after the last word, as
`continue_final_message` of transformers does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jinja2
import jinja2.meta

from bestofn.core.errors import ConfigError
from bestofn.core.types import Candidate, Failure, Message, Request
from bestofn.rewards.text.contents import NOTHING_SPECIAL, Rendered, SpecialTokens
from bestofn.rewards.text.messages import fold_system, plain_message
from bestofn.rewards.text.sandbox import TEMPLATE_FAULTS, compiled, rendered
from bestofn.settings.choices import Images
from bestofn.support.error_text import first_line

UNRENDERABLE = "message_not_rendered"
"""`Failure.reason` where the template cannot show a conversation."""

Arrange = Callable[[Sequence[Mapping[str, Any]]], list[dict[str, Any]]]
"""A conversation, the candidate last, to the one that the template shows."""

_CUT = "\ufdefcut\ufdef "
"""Ends an unfinished candidate while the template shows it. A template that trims contents takes
the space, which says so."""


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
        special: the special tokens that contents may not spell.
        images: what becomes of pictures in a conversation; an answer may hold none.
    """

    template: str
    special_tokens: Mapping[str, str]
    continues: bool
    fold_system: bool = False
    ending: str | None = None
    arrange: Arrange | None = None
    special: SpecialTokens = NOTHING_SPECIAL
    images: Images = "placeholder"

    def render(self, request: Request, candidates: Sequence[Candidate]) -> list[str | Failure]:
        """The text of each candidate, for a reader with a tokenizer of its own: the special tokens
        that contents spell are broken, see `Rendered.broken`.

        In the order given; a `Failure` where there is none.
        """
        texts = self.marked(request, candidates)
        return [text if isinstance(text, Failure) else text.broken() for text in texts]

    def marked(self, request: Request, candidates: Sequence[Candidate]) -> list[Rendered | Failure]:
        """The same for an `Encoder`, which is told where contents spell special tokens."""
        return [self._try(request, candidate) for candidate in candidates]

    def _try(self, request: Request, candidate: Candidate) -> Rendered | Failure:
        try:
            return self._rendered(request, candidate)
        except TEMPLATE_FAULTS as error:
            return Failure(UNRENDERABLE, f"the template cannot show it: {first_line(error)}")

    def _rendered(self, request: Request, candidate: Candidate) -> Rendered:
        answer: Message = {**candidate.message, "role": "assistant"}
        plain = [plain_message(message, self.images) for message in request.messages]
        plain.append(plain_message(answer))
        if plain[-1].get("tool_calls") and not candidate.ended:
            raise ValueError("a tool call was cut off")
        hidden = self.special.hide([plain, _schemas(request.options.get("tools"))])
        messages, tools = hidden.value
        if hidden.mark:
            self._arranged(plain)  # which refuses contents that spell the mark of a step
        messages = self._arranged(messages)
        text = self._text(messages, tools, candidate.ended)
        text.encode()  # half a surrogate pair is no text
        return self.special.show(text, hidden.mark)

    def _arranged(self, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if self.fold_system:
            messages = fold_system(messages)
        return messages if self.arrange is None else self.arrange(messages)

    def _text(self, messages: list[dict[str, Any]], tools: Any, ended: bool) -> str:
        cut = self.continues and not ended
        answer = messages[-1]["content"]
        asked = (m["content"] for m in reversed(messages[:-1]) if m.get("role") == "user")
        text = rendered(
            compiled(self.template),
            {
                **self.special_tokens,
                "messages": [*messages[:-1], {**messages[-1], "content": answer + _CUT}]
                if cut
                else messages,
                "tools": tools,
                "documents": None,
                "add_generation_prompt": False,
                "prompt": next(asked, ""),
                "response": answer,
                "ended": ended,
            },
        )
        if cut:
            return _without_cut(text)
        return self._end(text) if self.ending and ended else text

    def _end(self, text: str) -> str:
        text = text.rstrip("\n")
        eos = self.special_tokens.get("eos_token", "")
        if eos and text.endswith(eos):
            return text
        return text + rendered(compiled(self.ending or ""), self.special_tokens)


def is_chat_template(template: str) -> bool:
    """Whether a template reads `messages` only, and so has to be cut for unfinished candidates.

    Raises:
        ConfigError: it is no Jinja.
    """
    try:
        environment = compiled(template).environment
    except jinja2.TemplateSyntaxError as error:
        raise ConfigError(f"line {error.lineno} of the template: {error.message}") from error
    except jinja2.TemplateError as error:
        raise ConfigError(f"the template cannot be used: {error.message}") from error
    variables = jinja2.meta.find_undeclared_variables(environment.parse(template))
    return not variables & {"response", "ended"}


def _without_cut(text: str) -> str:
    """The text before the mark that ends an unfinished candidate.

    Raises:
        ValueError: the template does not show the candidate's end.
    """
    before, mark, after = text.rpartition(_CUT.strip())
    if not mark:
        raise ValueError("it does not show where an unfinished answer stops")
    return before if after.startswith(" ") else before.rstrip()


def _schemas(tools: Any) -> Sequence[Mapping[str, Any]] | None:
    """The request's tools.

    Raises:
        ValueError: they are no list of objects.
    """
    if tools is None:
        return None
    if not isinstance(tools, list | tuple) or not all(isinstance(t, Mapping) for t in tools):
        raise ValueError("tools are a list of objects")
    return tools
