"""Conversations to what a reward model is given: render, encode, fit.

It needs no weights, so what scores in a vLLM engine or on a server is given the same tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bestofn.core.errors import ConfigError, ModelError
from bestofn.core.types import Candidate, Failure, Request
from bestofn.rewards.text.encoder import Encoder
from bestofn.rewards.text.fit import EncodedText, fit
from bestofn.rewards.text.formats import Format
from bestofn.rewards.text.positions import Positions
from bestofn.rewards.text.reasoning import require_shown, with_reasoning
from bestofn.rewards.text.renderer import Renderer, is_chat_template
from bestofn.rewards.text.text_spec import TextSpec
from bestofn.settings.choices import TooLong
from bestofn.settings.rewards import RewardSettings

NO_STEPS = "no_steps"


@dataclass(frozen=True, slots=True)
class TextMaker:
    """Makes the texts of one reward model.

    Args:
        renderer: conversations to text.
        encoder: text to tokens.
        max_tokens: the longest text that the model reads; None: no limit is known.
        too_long: what becomes of a longer one.
        positions: where a text is read; one without any is a failure.
    """

    renderer: Renderer
    encoder: Encoder
    max_tokens: int | None
    too_long: TooLong
    positions: Positions

    def of_candidates(
        self, request: Request, candidates: Sequence[Candidate]
    ) -> list[EncodedText | Failure]:
        """The text of each candidate, in the order given, or why it has none."""
        texts = self.renderer.render(request, candidates)
        return self.of_texts(texts, [candidate.ended for candidate in candidates])

    def of_texts(
        self, texts: Sequence[str | Failure], ended: Sequence[bool]
    ) -> list[EncodedText | Failure]:
        """The tokens of texts that are ready-made, framed as the tokenizer frames any.

        Args:
            texts: the texts; a failure stays one.
            ended: of each, whether its end is the end.
        """
        good = [i for i, text in enumerate(texts) if isinstance(text, str)]
        encoded = iter(
            self.encoder(
                [text for text in texts if isinstance(text, str)], [ended[i] for i in good]
            )
        )
        return [text if isinstance(text, Failure) else self._fit(next(encoded)) for text in texts]

    def _fit(self, ids: list[int]) -> EncodedText | Failure:
        text = fit(ids, self.max_tokens, self.too_long, self.encoder)
        if isinstance(text, EncodedText) and not self.positions(text.ids):
            return Failure(NO_STEPS, "the text has no step that the model could judge")
        return text


def text_maker(spec: TextSpec, model: str, own: Format, settings: RewardSettings) -> TextMaker:
    """The texts of a checkpoint.

    Args:
        spec: how it wants them.
        model: what the user calls it.
        own: its format, named or recognised.
        settings: of them count template, which goes before that format, reasoning, and too_long.

    Raises:
        ConfigError: the template is no Jinja, or the model marks steps, which no template does.
        ModelError: nothing says how the text is made, or reasoning is to be shown and the template
            does not.
    """
    template = settings.template
    own_chat = is_chat_template(template) if template is not None else True
    if template is not None and spec.arrange is not None:
        raise ConfigError(
            f"{model} judges steps, which its own format marks: leave the template out"
        )
    wanted = own if template is None else Format("")
    text = template or wanted.template or spec.chat_template
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
    )
    limits = [limit for limit in (spec.max_tokens, wanted.max_tokens) if limit]
    most = min(limits, default=None)
    return TextMaker(renderer, spec.encoder, most, settings.too_long, spec.positions)
