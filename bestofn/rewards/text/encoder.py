"""Encode texts to token ids: BOS or CLS once, EOS only where the candidate ended by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bestofn.core.errors import ModelError

LONGEST = 128
"""Characters of a token where a vocabulary has none longer, or does not tell: the longest that
Llama 3, Qwen 2.5 and o200k have is a run of so many spaces."""

Tokenise = Callable[[Sequence[str]], list[list[int]]]
"""Texts to ids, without special tokens of its own."""

SANE_LENGTH = 10**7
"""`model_max_length` above this means that nobody set it (transformers writes 1e30)."""


@dataclass(frozen=True, slots=True)
class Encoder:
    """Texts to the ids that the model reads.

    Args:
        tokenise: the pieces of the texts.
        lead: what opens every input (BOS, or CLS); a text that opens with it gets no second.
        tail: what closes an input (EOS, or SEP).
        closes_all: whether the tail belongs on every input, as it does for encoder models; else
            it stands only on candidates that ended by themselves.
        longest: characters that a token stands for, at most.
    """

    tokenise: Tokenise
    lead: tuple[int, ...]
    tail: tuple[int, ...]
    closes_all: bool = False
    longest: int = LONGEST

    def __call__(self, texts: Sequence[str], ended: Sequence[bool]) -> list[list[int]]:
        """One list of ids per text, in the order given."""
        return [
            self._frame(ids, self.closes_all or end)
            for ids, end in zip(self.tokenise(texts), ended, strict=True)
        ]

    def shorten(self, ids: list[int], most: int, *, left: bool) -> list[int]:
        """A framed text with at most `most` tokens: its beginning or its end left out.

        The lead stays. The tail stays where the end of the text does, and where it belongs on every
        input.
        """
        lead = len(self.lead) if tuple(ids[: len(self.lead)]) == self.lead else 0
        if left:
            return ids[:lead] + ids[len(ids) - (most - lead) :]
        tail = list(self.tail) if self.closes_all else []
        return ids[: most - len(tail)] + tail

    def _frame(self, ids: list[int], close: bool) -> list[int]:
        lead, tail = list(self.lead), list(self.tail)
        while lead and ids[: len(lead)] == lead:
            ids = ids[len(lead) :]
        if not close or (tail and ids[-len(tail) :] == tail):
            tail = []
        return lead + ids + tail


def hub_encoder(tokenizer: Any, *, closes_all: bool) -> Encoder:
    """An encoder over a transformers tokenizer, framed as that tokenizer frames a single text.

    Raises:
        ModelError: a framed text does not hold the pieces of the bare one.
    """

    def tokenise(texts: Sequence[str]) -> list[list[int]]:
        if not texts:
            return []
        ids: list[list[int]] = tokenizer(
            list(texts),
            add_special_tokens=False,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,  # over-long text is reported by the caller, not in the log
        )["input_ids"]
        return ids

    (bare,) = tokenise(["a"])
    framed: list[int] = tokenizer("a")["input_ids"]
    starts = (i for i in range(len(framed)) if framed[i : i + len(bare)] == bare)
    start = next(starts, None)
    if start is None:
        raise ModelError(
            "the tokenizer frames a text with special tokens that cannot be told apart"
        )
    return Encoder(
        tokenise,
        tuple(framed[:start]),
        tuple(framed[start + len(bare) :]),
        closes_all,
        longest=max(LONGEST, *map(len, tokenizer.get_vocab())),
    )


def tokenizer_limit(tokenizer: Any) -> int | None:
    """The most tokens that the tokenizer says the model takes; None where nobody set it."""
    limit = int(tokenizer.model_max_length)
    return limit if limit <= SANE_LENGTH else None
