"""Texts of a pairwise ranker: a conversation as the source, and two candidates behind it.

As LLM-Blender makes it: the source and each candidate open with a mark, each is framed by the
tokenizer as any single text, and the three are joined. A source has `source_tokens` at most; what
it leaves of the whole is shared by the two candidates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bestofn.core.errors import ModelError
from bestofn.core.types import Candidate, Failure, Request
from bestofn.rewards.pairwise.reader import Marks
from bestofn.rewards.text.encoder import Encoder
from bestofn.rewards.text.fit import EncodedText, fit
from bestofn.rewards.text.hub_encoder import hub_encoder
from bestofn.rewards.text.messages import fold_system, plain_message
from bestofn.rewards.text.renderer import UNRENDERABLE
from bestofn.rewards.text.text_maker import NOT_EMBEDDED
from bestofn.settings.choices import Images, TooLong
from bestofn.support.error_text import first_line

SOURCE, FIRST, SECOND = "<|source|>", "<|candidate1|>", "<|candidate2|>"
"""The marks, as LLM-Blender's tokenizers have them."""

SOURCE_TOKENS = 1224
CANDIDATE_TOKENS = 412
"""What PairRM was trained on (its card); the three together have 2,048."""


@dataclass(frozen=True, slots=True)
class PairInputs:
    """The candidates of a request, ready to be compared.

    Args:
        source: ids of the conversation.
        cut: tokens that were left out of it.
        candidates: each one's ids, behind the first mark, or why it has none.
    """

    source: list[int]
    cut: int
    candidates: list[EncodedText | Failure]


@dataclass(frozen=True, slots=True)
class PairEncoder:
    """Makes the ids of pairs.

    Args:
        encoder: frames a single text.
        marks: the ids of the marks.
        source_tokens: of the source, at most.
        candidate_tokens: of each candidate, beside the longest source.
        too_long: what becomes of a longer text.
        vocabulary: ids that the model has an embedding for, from 0; None: not known.
        images: what becomes of pictures in a conversation.
    """

    encoder: Encoder
    marks: Marks
    source_tokens: int
    candidate_tokens: int
    too_long: TooLong
    vocabulary: int | None = None
    images: Images = "placeholder"

    def encode(self, request: Request, candidates: Sequence[Candidate]) -> PairInputs | Failure:
        """The candidates of a request; a failure where its conversation cannot be shown."""
        source = self._fit(
            source_of(request, self.images), SOURCE, self.marks.source, self.source_tokens
        )
        if isinstance(source, Failure):
            return source
        room = self.source_tokens + 2 * self.candidate_tokens - len(source.ids)
        texts = [
            self._fit(text_of(each), FIRST, self.marks.first, room // 2) for each in candidates
        ]
        return PairInputs(source.ids, source.cut, texts)

    def pairs(
        self,
        source: Sequence[int],
        texts: Mapping[int, Sequence[int]],
        pairs: Iterable[tuple[int, int]],
    ) -> list[list[int]]:
        """One input for each pair of `texts`, in the order given; the second gets its mark."""
        behind = {
            at: [self.marks.second if token == self.marks.first else token for token in ids]
            for at, ids in texts.items()
        }
        return [[*source, *texts[first], *behind[second]] for first, second in pairs]

    def _fit(self, text: str | Failure, mark: str, token: int, most: int) -> EncodedText | Failure:
        if isinstance(text, Failure):
            return text
        try:
            text.encode()
        except UnicodeEncodeError as error:
            return Failure(UNRENDERABLE, f"the ranker cannot be shown it: {first_line(error)}")
        (ids,) = self.encoder([self.encoder.special.in_content(text, mark)], [True])
        spelled = {self.marks.source, self.marks.first, self.marks.second}
        if sum(i in spelled for i in ids) != 1:
            return Failure(UNRENDERABLE, "it spells a token by which pairs are marked")
        if self.vocabulary is not None and max(ids) >= self.vocabulary:
            detail = f"its text holds token {max(ids)}, and the model knows {self.vocabulary:,}"
            return Failure(NOT_EMBEDDED, detail)
        kept = replace(self.encoder, lead=(*self.encoder.lead, token))
        return fit(ids, most, self.too_long, kept)


def source_of(request: Request, images: Images = "placeholder") -> str | Failure:
    """The conversation as one text: of a lone user message its own, with system text before it.

    Longer conversations are written out, each message after USER: or ASSISTANT: on a line of its
    own; that is bestofn's form, since the model was not trained on turns that are given.
    """
    try:
        messages = fold_system([plain_message(message, images) for message in request.messages])
        if len(messages) == 1:
            return str(messages[0]["content"])
        return "\n".join(f"{message['role'].upper()}: {message['content']}" for message in messages)
    except (KeyError, TypeError, ValueError) as error:
        return Failure(UNRENDERABLE, f"the ranker cannot be shown it: {first_line(error)}")


def text_of(candidate: Candidate) -> str | Failure:
    """The candidate's text; a tool call is none."""
    try:
        message = plain_message(candidate.message)
    except (KeyError, TypeError, ValueError) as error:
        return Failure(UNRENDERABLE, f"the ranker cannot be shown it: {first_line(error)}")
    if message.get("tool_calls"):
        return Failure(UNRENDERABLE, "the ranker reads text, and this is a tool call")
    return str(message["content"])


def pair_encoder(
    tokenizer: Any,
    *,
    source_tokens: int,
    candidate_tokens: int,
    too_long: TooLong,
    vocabulary: int | None = None,
    images: Images = "placeholder",
) -> PairEncoder:
    """An encoder over the checkpoint's tokenizer.

    Raises:
        ModelError: it lacks a mark, or does not frame a text with an end token.
    """
    ids = [
        tokenizer(mark, add_special_tokens=False)["input_ids"] for mark in (SOURCE, FIRST, SECOND)
    ]
    if any(len(each) != 1 for each in ids) or len({each[0] for each in ids}) != 3:
        raise ModelError(
            f"the tokenizer does not have {SOURCE}, {FIRST} and {SECOND} as tokens of their own: "
            "it is none of a pairwise ranker"
        )
    encoder = hub_encoder(tokenizer, closes_all=True)
    if not encoder.tail:
        raise ModelError("the tokenizer does not end a text: it is none of a pairwise ranker")
    return PairEncoder(
        encoder,
        Marks(*(each[0] for each in ids)),
        source_tokens,
        candidate_tokens,
        too_long,
        vocabulary,
        images,
    )
