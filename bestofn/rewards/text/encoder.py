"""Encode texts to token ids: BOS or CLS once, EOS only where the candidate ended by itself.

Special tokens that a content spells are text: a text with such a place (`Rendered.spelled`) is
encoded apart, so that all other texts have the ids that the tokenizer itself gives them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bestofn.rewards.text.contents import NOTHING_SPECIAL, Rendered, SpecialTokens

LONGEST = 128
"""Characters of a token where a vocabulary has none longer, or does not tell: the longest that
Llama 3, Qwen 2.5 and o200k have is a run of so many spaces."""

Tokenise = Callable[[Sequence[str]], list[list[int]]]
"""Texts to ids, without special tokens of its own."""

TokeniseSpelled = Callable[[Rendered], list[int]]
"""The same for one text in which contents spell special tokens."""


def _nothing_is_special(text: Rendered) -> list[int]:
    raise AssertionError("no content spells a special token where there are none")


@dataclass(frozen=True, slots=True)
class Encoder:
    """Texts to the ids that the model reads.

    Args:
        tokenise: the pieces of the texts.
        lead: what opens every input (BOS, or CLS); a text that opens with it gets no second.
        tail: what closes an input (EOS, or SEP).
        closes_all: whether the tail belongs on every input, as it does for encoder models; else
            it stands only on candidates that ended by themselves.
        special: the special tokens that `tokenise` finds in a text.
        tokenise_spelled: the pieces of a text in which contents spell some of them.
        longest: characters that a token stands for, at most.
    """

    tokenise: Tokenise
    lead: tuple[int, ...]
    tail: tuple[int, ...]
    closes_all: bool = False
    special: SpecialTokens = NOTHING_SPECIAL
    tokenise_spelled: TokeniseSpelled = _nothing_is_special
    longest: int = LONGEST

    def __call__(self, texts: Sequence[str | Rendered], ended: Sequence[bool]) -> list[list[int]]:
        """One list of ids per text, in the order given; a plain text has its special tokens."""
        usual = [
            text if isinstance(text, str) else text.text
            for text in texts
            if isinstance(text, str) or not text.spelled
        ]
        ids = iter(self.tokenise(usual))
        return [
            self._frame(
                self.tokenise_spelled(text)
                if isinstance(text, Rendered) and text.spelled
                else next(ids),
                self.closes_all or end,
            )
            for text, end in zip(texts, ended, strict=True)
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
