"""Encoders over transformers' tokenizers, which read the special tokens of contents as text.

What contents spell is kept from the tokenizer by a second one over the same model: there each
special token has a secret spelling, which the template's own are given first. So a content's
`<|im_end|>` is cut into pieces as any other text, together with what stands around it, as
`split_special_tokens` of transformers does it for a whole text.
"""

from __future__ import annotations

import functools
import re
import secrets
from collections.abc import Sequence
from typing import Any

from tokenizers import AddedToken, Tokenizer

from bestofn.core.errors import ModelError
from bestofn.rewards.text.contents import (
    CONTROL_TOKENS,
    Rendered,
    SpecialTokens,
    any_of,
)
from bestofn.rewards.text.encoder import LONGEST, Encoder, TokeniseSpelled

SANE_LENGTH = 10**7
"""`model_max_length` above this means that nobody set it (transformers writes 1e30)."""


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
    special = special_tokens(tokenizer)
    return Encoder(
        tokenise,
        tuple(framed[:start]),
        tuple(framed[start + len(bare) :]),
        closes_all,
        SpecialTokens.of(special),
        spelled_tokeniser(tokenizer, special),
        max(LONGEST, *map(len, tokenizer.get_vocab())),
    )


def tokenizer_limit(tokenizer: Any) -> int | None:
    """The most tokens that the tokenizer says the model takes; None where nobody set a number."""
    limit = tokenizer.model_max_length
    if not isinstance(limit, int | float) or not 0 < limit <= SANE_LENGTH:
        return None
    return int(limit)


def special_tokens(tokenizer: Any) -> dict[str, int]:
    """Spelling and id of the special tokens, and of the added ones that part turns: some
    checkpoints do not say of `<|im_end|>` that it is special."""
    added = {
        str(token): int(at)
        for at, token in tokenizer.added_tokens_decoder.items()
        if token.special or CONTROL_TOKENS.fullmatch(str(token))
    }
    named = zip(tokenizer.all_special_tokens, tokenizer.all_special_ids, strict=True)
    return {str(spelling): int(at) for spelling, at in named} | added


def spelled_tokeniser(tokenizer: Any, special: dict[str, int]) -> TokeniseSpelled:
    """What encodes a text in which contents spell special tokens.

    Args:
        tokenizer: of transformers.
        special: spelling and id of its special tokens.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if isinstance(backend, Tokenizer) and (twin := _Twin(backend, special)).has_ids_of_its_own:
        return twin
    return functools.partial(_in_pieces, tokenizer, special, any_of(list(special)))


class _Twin:
    """A tokenizer over the same model, whose special tokens are spelled in secret.

    Args:
        backend: the tokenizer.
        special: spelling and id of its special tokens.
    """

    def __init__(self, backend: Tokenizer, special: dict[str, int]) -> None:
        secret = secrets.token_hex(8)  # contents must not be able to spell these
        self._secret = {each: f"\ufdd1{secret}{at:x}\ufdd2" for each, at in special.items()}
        self._pattern = any_of(list(special))
        self._spelling = {at: each for each, at in special.items()}
        self._model = backend.model
        twin = Tokenizer(backend.model)
        twin.normalizer = backend.normalizer
        twin.pre_tokenizer = backend.pre_tokenizer
        added = sorted(backend.get_added_tokens_decoder().items())
        twin.add_tokens([self._token(token) for _, token in added])
        self._ids = {
            twin.token_to_id(self._secret.get(token.content, token.content)): at
            for at, token in added
        }
        self._twin = twin

    def __call__(self, text: Rendered) -> list[int]:
        respelled = self._respelled(text)
        encoded = self._twin.encode(respelled, add_special_tokens=False)
        found: list[int] = []
        for at, (begin, end) in zip(encoded.ids, encoded.offsets, strict=True):
            spelling = self._spelling.get(at)
            if at in self._ids:
                found.append(self._ids[at])
            elif spelling is not None and respelled[begin:end].strip() == spelling:
                found += self._cut(spelling)  # the model has it among its own pieces
            else:
                found.append(at)
        return found

    def _respelled(self, text: Rendered) -> str:
        pattern = self._pattern
        if pattern is None:
            return text.text
        return "".join(
            part if spelled else pattern.sub(lambda match: self._secret[match[0]], part)
            for part, spelled in text.parts()
        )

    @property
    def has_ids_of_its_own(self) -> bool:
        """Whether none of the ids that stand for special tokens is a piece's of the model, as it
        would be in a vocabulary with gaps."""
        return all(
            at == known or self._model.id_to_token(at) is None for at, known in self._ids.items()
        )

    def _token(self, token: AddedToken) -> AddedToken:
        return AddedToken(
            self._secret.get(token.content, token.content),
            single_word=token.single_word,
            lstrip=token.lstrip,
            rstrip=token.rstrip,
            normalized=token.normalized,
            special=token.special,
        )

    def _cut(self, piece: str) -> list[int]:
        """The ids of a piece of the vocabulary that may not be used, in two."""
        parts = (self._model.tokenize(part) for part in (piece[:1], piece[1:]) if part)
        return [token.id for part in parts for token in part]


def _in_pieces(
    tokenizer: Any, special: dict[str, int], pattern: re.Pattern[str] | None, text: Rendered
) -> list[int]:
    """For tokenizers in Python: each stretch between two special tokens for itself."""
    places = {begin for begin, _ in text.spelled}
    ids: list[int] = []
    at = 0
    for match in pattern.finditer(text.text) if pattern is not None else ():
        if match.start() in places:
            continue
        ids += _plain_ids(tokenizer, text.text[at : match.start()])
        ids.append(special[match[0]])
        at = match.end()
    return ids + _plain_ids(tokenizer, text.text[at:])


def _plain_ids(tokenizer: Any, text: str) -> list[int]:
    if not text:
        return []
    ids: list[int] = tokenizer(
        text, add_special_tokens=False, split_special_tokens=True, verbose=False
    )["input_ids"]
    return ids
