"""Probe of a template: what it shows of a conversation, found out once, before anything is sampled.

A template that leaves the answer out gives every candidate the same reward; one without a system
role raises on each of N candidates that have been sampled by then. So conversations with unusual
numbers in them are rendered at the start: what is not shown is folded (system text goes into the
first user message, as trainers do), known to be refused (tool turns), or the model is.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jinja2

from bestofn.core.errors import ConfigError, ModelError
from bestofn.core.message import IMAGE_PARTS, kind_of_part
from bestofn.core.types import Candidate, Failure, Message, Request
from bestofn.rewards.text.messages import SYSTEM_ROLES
from bestofn.rewards.text.renderer import Renderer
from bestofn.rewards.text.sandbox import compiled
from bestofn.settings.choices import Images

logger = logging.getLogger(__name__)

QUESTION, ANSWER, SYSTEM, CALL, RESULT = "730151", "730262", "730373", "fn_730484", "730595"
"""Numbers that no template writes by itself, and that none spells otherwise."""

CANNOT = "the reward model's template cannot show that"

PROBE = Candidate(0, {"role": "assistant", "content": f"It is {ANSWER}."}, "stop")
PROBE_REQUEST = Request.from_prompt(f"What is {QUESTION}?")

SHORTEST = Candidate(0, {"role": "assistant", "content": "A"}, "stop")
SHORTEST_REQUEST = Request.from_prompt("Q")
"""A conversation of two letters: a model that cannot take that takes none."""

_USER: Message = PROBE_REQUEST.messages[0]
_TOOL_TURNS: tuple[Message, ...] = (
    _USER,
    {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {
                "id": "call00001",
                "type": "function",
                "function": {"name": CALL, "arguments": '{"x": "1"}'},
            }
        ],
    },
    {"role": "tool", "tool_call_id": "call00001", "name": CALL, "content": RESULT},
)
_TURNS: tuple[Message, ...] = (_USER, {"role": "assistant", "content": "Say more."}, _USER)


@dataclass(frozen=True, slots=True)
class Unshown:
    """What a template cannot show.

    Args:
        tools: why it shows no calls of tools and no results of them; None: it shows both.
        turns: why it shows one question and no more; None: it shows dialogues.
    """

    tools: str | None = None
    turns: str | None = None

    def of(self, request: Request, images: Images = "refuse") -> str | None:
        """What this conversation holds of it, or of parts that are no text, as a sentence; None:
        nothing.

        Args:
            request: the conversation.
            images: what becomes of its pictures.
        """
        turns = [each for each in request.messages if each.get("role") not in SYSTEM_ROLES]
        if self.turns is not None and len(turns) > 1:
            return f"it has several turns, and {self.turns}"
        for at, message in enumerate(request.messages, start=1):
            if self.tools is not None and (
                message.get("role") == "tool" or message.get("tool_calls")
            ):
                return f"message {at} belongs to a call of a tool, and {self.tools}"
            if kind := _part_that_is_not_shown(message, images):
                return f"message {at} has a part of the type {kind}, and the model reads text alone"
        return None


SHOWS_ALL = Unshown()
"""Of a template that shows calls of tools and dialogues."""


def is_common(request: Request) -> bool:
    """Whether a conversation has the shape of the probe: after a system message, if any, user and
    assistant take turns, in plain text, and the user is last."""
    messages = request.messages
    if messages[0].get("role") == "system":
        messages = messages[1:]
    return len(messages) % 2 == 1 and all(
        message.get("role") == ("assistant" if at % 2 else "user")
        and isinstance(message.get("content"), str)
        and message.keys() <= {"role", "content"}
        for at, message in enumerate(messages)
    )


def probed(renderer: Renderer, model: str, *, given: bool) -> tuple[Renderer, Unshown]:
    """The renderer as it is to be used, and what its template cannot show.

    Args:
        renderer: with the template.
        model: what the user calls it.
        given: whether the template is the user's own, and not the checkpoint's.

    Raises:
        ConfigError, ModelError: the template is wrong, or does not show the answer. Which of them
            says whose it is.
    """
    wrong = ConfigError if given else ModelError
    whose = "the template" if given else f"the template of {model}"
    try:
        compiled(renderer.template)
    except jinja2.TemplateSyntaxError as error:
        raise wrong(f"line {error.lineno} of {whose}: {error.message}") from error
    except jinja2.TemplateError as error:
        raise wrong(f"{whose} cannot be used: {error.message}") from error
    text = _try(renderer, PROBE_REQUEST.messages)
    if isinstance(text, Failure):
        raise wrong(f"{whose} cannot show a question and an answer: {_cause(text)}")
    if ANSWER not in text:
        raise wrong(f"{whose} does not show the answer, so that all would have the same reward")
    renderer = _with_system(renderer, whose)
    turns = _try(renderer, _TURNS)
    fault = f"{CANNOT}: {_cause(turns)}" if isinstance(turns, Failure) else None
    return renderer, Unshown(_tools_fault(renderer), fault)


def _with_system(renderer: Renderer, whose: str) -> Renderer:
    """The renderer, with system text folded where its template shows none.

    A template that is no chat template shows what it was written to show.
    """
    asked: tuple[Message, ...] = ({"role": "system", "content": SYSTEM}, _USER)
    text = _try(renderer, asked)
    if renderer.fold_system or _shows(text, SYSTEM):
        return renderer
    if not renderer.continues and not isinstance(text, Failure):
        logger.info("%s leaves system text out", whose)
        return renderer
    folded = dataclasses.replace(renderer, fold_system=True)
    if not _shows(_try(folded, asked), SYSTEM):
        logger.warning("%s shows neither system text nor what the user says", whose)
        return renderer
    logger.info("%s has no system role: system text goes before the first user message", whose)
    return folded


def _tools_fault(renderer: Renderer) -> str | None:
    text = _try(renderer, _TOOL_TURNS)
    if isinstance(text, Failure):
        return f"{CANNOT}: {_cause(text)}"
    if not (_shows(text, CALL) and _shows(text, RESULT)):
        return "the reward model's template leaves that out"
    return None


def _try(renderer: Renderer, messages: tuple[Message, ...]) -> str | Failure:
    (text,) = renderer.marked(Request(messages), [PROBE])
    return text if isinstance(text, Failure) else text.text


def _shows(text: str | Failure, number: str) -> bool:
    return isinstance(text, str) and number in text


def _cause(failure: Failure) -> str:
    return failure.detail.removeprefix("the template cannot show it: ")


def _part_that_is_not_shown(message: Mapping[str, Any], images: Images) -> str | None:
    content = message.get("content")
    if not isinstance(content, list | tuple):
        return None
    kinds = (kind_of_part(part) for part in content if isinstance(part, Mapping))
    shown = IMAGE_PARTS | {"text"} if images == "placeholder" else {"text"}
    return next((kind for kind in kinds if kind not in shown), None)
