"""Conversations to what a reward model is given: render, encode, fit.

It needs no weights, so what scores in a vLLM engine or on a server is given the same tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bestofn.core.errors import ConfigError, ModelError
from bestofn.core.types import Candidate, Failure, Request
from bestofn.rewards.text.contents import Rendered
from bestofn.rewards.text.encoder import Encoder
from bestofn.rewards.text.fit import TOO_LONG, EncodedText, fit
from bestofn.rewards.text.formats import Format
from bestofn.rewards.text.messages import image_notes
from bestofn.rewards.text.oversize import within_reach
from bestofn.rewards.text.positions import Positions
from bestofn.rewards.text.probe import (
    PROBE,
    SHORTEST,
    SHORTEST_REQUEST,
    SHOWS_ALL,
    Unshown,
    is_common,
    probed,
)
from bestofn.rewards.text.reasoning import require_shown, with_reasoning
from bestofn.rewards.text.renderer import Renderer, is_chat_template
from bestofn.rewards.text.text_spec import TextSpec
from bestofn.rewards.text.text_thread import TextThread
from bestofn.settings.choices import TooLong
from bestofn.settings.rewards import RewardSettings

NO_STEPS = "no_steps"

NOT_EMBEDDED = "token_without_embedding"
"""`Failure.reason` of a text with a token that the model has no embedding for."""


AT_ONCE = 32
"""Texts that are held before they are tokens."""


@dataclass(frozen=True, slots=True)
class TextMaker:
    """Makes the texts of one reward model.

    Args:
        renderer: conversations to text.
        encoder: text to tokens.
        max_tokens: the longest text that the model reads; None: no limit is known.
        too_long: what becomes of a longer one.
        positions: where a text is read; one without any is a failure.
        vocabulary: ids that the model has an embedding for, from 0; None: not known.
        unshown: what the template cannot show, besides images.
    """

    renderer: Renderer
    encoder: Encoder
    max_tokens: int | None
    too_long: TooLong
    positions: Positions
    vocabulary: int | None = None
    unshown: Unshown = SHOWS_ALL

    async def refusal(self, request: Request, thread: TextThread) -> str | None:
        """Why no answer to this conversation can be shown to the model; None: one can.

        See `bestofn.core.protocols.Refusing`. Conversations of the common shape are known from the
        probe at the start; others are tried.

        Args:
            request: the conversation.
            thread: where it is tried.
        """
        if why := self.unshown.of(request, self.renderer.images):
            return why
        if is_common(request):
            return None
        (text,) = await thread.run(self.renderer.render, request, [PROBE])
        return text.detail if isinstance(text, Failure) else None

    def notes_on(self, request: Request) -> Sequence[str]:
        """What the model reads otherwise; see `bestofn.core.protocols.Noting`."""
        return image_notes(request.messages, self.renderer.images)

    def of_candidates(
        self, request: Request, candidates: Sequence[Candidate]
    ) -> list[EncodedText | Failure]:
        """The text of each candidate, in the order given, or why it has none. A few are made at a
        time: each has the whole conversation in it."""
        made: list[EncodedText | Failure] = []
        for begin in range(0, len(candidates), AT_ONCE):
            some = candidates[begin : begin + AT_ONCE]
            texts = self.renderer.marked(request, some)
            made += self.of_texts(texts, [candidate.ended for candidate in some])
        return made

    def of_texts(
        self, texts: Sequence[str | Rendered | Failure], ended: Sequence[bool]
    ) -> list[EncodedText | Failure]:
        """The tokens of texts that are ready-made, framed as the tokenizer frames any.

        Args:
            texts: the texts; a failure stays one. The special tokens of a plain one are its own.
            ended: of each, whether its end is the end.
        """
        reached = [
            text
            if isinstance(text, Failure)
            else within_reach(text, self.max_tokens, self.encoder.longest, self.too_long)
            for text in texts
        ]
        good = [
            (text[0], end)
            for text, end in zip(reached, ended, strict=True)
            if not isinstance(text, Failure)
        ]
        encoded = iter(self.encoder([text for text, _ in good], [end for _, end in good]))
        return [
            text if isinstance(text, Failure) else self._fit(next(encoded), text[1])
            for text in reached
        ]

    def of_tokens(self, ids: Sequence[int]) -> EncodedText | Failure:
        """A text that is tokens already, as they are."""
        return self._fit(list(ids), 0) if ids else Failure("empty", "it has no tokens")

    def _fit(self, ids: list[int], left_out: int) -> EncodedText | Failure:
        if self.vocabulary is not None and ids and max(ids) >= self.vocabulary:
            detail = f"its text holds token {max(ids)}, and the model knows {self.vocabulary:,}"
            return Failure(NOT_EMBEDDED, detail)
        text = fit(ids, self.max_tokens, self.too_long, self.encoder)
        if isinstance(text, EncodedText) and left_out:
            text = EncodedText(text.ids, text.cut + left_out)
        if isinstance(text, EncodedText) and not self.positions(text.ids):
            return Failure(NO_STEPS, "the text has no step that the model could judge")
        return text


def text_maker(spec: TextSpec, model: str, own: Format, settings: RewardSettings) -> TextMaker:
    """The texts of a checkpoint, once a probe has shown that its template can make them.

    Args:
        spec: how it wants them.
        model: what the user calls it.
        own: its format, named or recognised.
        settings: of them count template, which goes before that format, reasoning, images and
            too_long.

    Raises:
        ConfigError: the template is no Jinja, does not show the answer, or the model marks steps,
            which no template does.
        ModelError: nothing says how the text is made, the checkpoint's own template does not, or
            reasoning is to be shown and the template does not.
    """
    template = settings.template
    if template is not None and spec.arrange is not None:
        raise ConfigError(
            f"{model} judges steps, which its own format marks: leave the template out"
        )
    own_chat = is_chat_template(template) if template is not None else True
    wanted = own if template is None else Format("")
    text = template if template is not None else wanted.template or spec.chat_template
    if text is None:
        raise ModelError(
            f"{model} has no chat template, so nothing says how its text is made: give a "
            "format or a template"
        )
    if settings.reasoning:
        require_shown(text, model)
    renderer = Renderer(
        text,
        spec.special_tokens,
        continues=own_chat and wanted.template is None,
        fold_system=wanted.fold_system,
        ending=wanted.ending,
        arrange=with_reasoning(spec.arrange, shown=settings.reasoning),
        special=spec.encoder.special,
        images=settings.images,
    )
    renderer, unshown = probed(renderer, model, given=template is not None)
    limits = [limit for limit in (spec.max_tokens, wanted.max_tokens) if limit]
    made = TextMaker(
        renderer,
        spec.encoder,
        min(limits, default=None),
        settings.too_long,
        spec.positions,
        spec.vocabulary,
        unshown,
    )
    _refuse_unreadable(made, model)
    return made


def _refuse_unreadable(made: TextMaker, model: str) -> None:
    """Refuse a checkpoint that can read no text: its template writes a token for which there is no
    embedding, or more tokens than it takes.

    Raises:
        ModelError: it cannot.
    """
    (text,) = made.of_candidates(SHORTEST_REQUEST, [SHORTEST])
    if not isinstance(text, Failure):
        return
    if text.reason == NOT_EMBEDDED:
        raise ModelError(f"tokenizer and weights of {model} do not belong together: {text.detail}")
    if text.reason == TOO_LONG:
        raise ModelError(f"{model} can read no answer: of one letter, {text.detail}")
