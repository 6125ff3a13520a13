"""The question to a judge: a Jinja template filled in with a request and answers to it.

A template is Jinja in a bounded sandbox (`bestofn.rewards.text.sandbox`). Its variables: `messages`
(the conversation, each with `role` and `text`), `answers` (each with `name`, `text` and `cut`:
whether it was cut off before its end), `reference` (the request's, as text; none where there is
none or it is not to be shown), `tools` (those of the request, as JSON; none where there are none),
`nonce` (a code for marks around what others wrote), and of the mode: `low` and `high`, `reasons`
(whether they are wanted), or `yes` and `no`.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jinja2
import jinja2.meta

from bestofn.core.errors import ConfigError
from bestofn.core.types import Candidate, Failure, Request
from bestofn.rewards.text.contents import without_control_tokens
from bestofn.rewards.text.messages import image_notes, images_refused, text_with_calls
from bestofn.rewards.text.renderer import UNRENDERABLE
from bestofn.rewards.text.sandbox import TEMPLATE_FAULTS, compiled_strictly, rendered
from bestofn.settings.choices import Images
from bestofn.support.error_text import first_line

NAME = "answer"
"""What a candidate is called in a question about it alone."""

VARIABLES = frozenset({"messages", "answers", "reference", "tools", "nonce"})
"""What every template may read."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A candidate as the judge is shown it.

    Args:
        text: its content, and its tool calls as JSON.
        cut: whether it was cut off before its end.
    """

    text: str
    cut: bool


@dataclass(frozen=True, slots=True)
class QuestionTemplate:
    """Makes the questions of one judge.

    Args:
        template: see `compile_template`.
        reference: whether the request's reference is shown.
        fields: the mode's own variables.
        images: what becomes of pictures in the conversation.
        key: makes the nonces. They are the same for all candidates of a conversation, so that the
            judge's server can share the computation of what precedes the answers, and nobody who
            does not have the key can know them.
    """

    template: jinja2.Template
    reference: bool = False
    fields: Mapping[str, Any] = field(default_factory=dict)
    images: Images = "placeholder"
    key: bytes = field(default_factory=lambda: secrets.token_bytes(16))

    def render(self, request: Request, answers: Mapping[str, Answer]) -> str | Failure:
        """The question, or why there is none.

        Args:
            request: what was to be answered.
            answers: by the names that they have in the question, in order.
        """
        try:
            messages = [
                {
                    "role": _plain(str(message.get("role", ""))),
                    "text": _plain(text_with_calls(message, self.images)),
                }
                for message in request.messages
            ]
            tools = request.options.get("tools")
            shown = {
                "messages": messages,
                "answers": [
                    {"name": name, "text": answer.text, "cut": answer.cut}
                    for name, answer in answers.items()
                ],
                "reference": _reference(request) if self.reference else None,
                "tools": _plain(json.dumps(tools, ensure_ascii=False)) if tools else None,
                "nonce": self._nonce(messages),
            }
            return rendered(self.template, {**shown, **self.fields})
        except TEMPLATE_FAULTS as error:
            return Failure(UNRENDERABLE, f"the judge cannot be shown it: {first_line(error)}")

    def render_one(self, request: Request, candidate: Candidate) -> str | Failure:
        """The same about one candidate, which is called `NAME`."""
        answer = answer_of(candidate)
        return answer if isinstance(answer, Failure) else self.render(request, {NAME: answer})

    def _nonce(self, messages: Sequence[Mapping[str, str]]) -> str:
        shown = json.dumps(messages).encode()
        return hashlib.blake2b(shown, digest_size=8, key=self.key).hexdigest()


class Questioner:
    """What every judge says of a conversation before it is asked about answers to it.

    Args:
        question: makes its questions.
    """

    def __init__(self, question: QuestionTemplate) -> None:
        self._question = question

    async def refusal(self, request: Request) -> str | None:
        """See `bestofn.core.protocols.Refusing`."""
        return images_refused(request, self._question.images)

    def notes_on(self, request: Request) -> Sequence[str]:
        """See `bestofn.core.protocols.Noting`."""
        return image_notes(request.messages, self._question.images)


def answer_of(candidate: Candidate) -> Answer | Failure:
    """The candidate as the judge is shown it, or why it cannot be."""
    try:
        return Answer(_plain(text_with_calls(candidate.message)), not candidate.ended)
    except TEMPLATE_FAULTS as error:
        return Failure(UNRENDERABLE, f"the judge cannot be shown it: {first_line(error)}")


def compile_template(template: str, own: Collection[str]) -> jinja2.Template:
    """The template, ready to be filled in.

    Args:
        template: Jinja, see the module.
        own: the mode's own variables.

    Raises:
        ConfigError: it is no Jinja, reads what is not there, or does not show the answers.
    """
    try:
        made = compiled_strictly(template)
        environment = made.environment
        read = jinja2.meta.find_undeclared_variables(environment.parse(template))
    except jinja2.TemplateSyntaxError as error:
        raise ConfigError(
            f"line {error.lineno} of the judge's template: {error.message}"
        ) from error
    except jinja2.TemplateError as error:
        raise ConfigError(f"the judge's template cannot be used: {error.message}") from error
    known = VARIABLES | set(own)
    if unknown := sorted(read - known - set(environment.globals)):
        raise ConfigError(
            f"the judge's template reads {', '.join(unknown)}; there are {', '.join(sorted(known))}"
        )
    if "answers" not in read:
        raise ConfigError(
            "the judge's template does not show the answers: it never reads `answers`"
        )
    return made


def _plain(text: str) -> str:
    """What others wrote, as the judge is shown it: the special tokens of chat templates are broken,
    since the judge's server would take them for the ends of turns.

    Raises:
        ValueError: it is not Unicode.
    """
    text.encode()  # half a surrogate pair cannot be sent
    return without_control_tokens(text)


def _reference(request: Request) -> str | None:
    given = request.reference
    if given is None:
        return None
    text = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False, default=str)
    return _plain(text)
