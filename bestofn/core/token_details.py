"""Details of token counts: what of a prompt was cached, what of a completion was thought, by kind.

    joined([TokenDetails({"cached_tokens": 4}, {"reasoning_tokens": 9}),
            TokenDetails({"cached_tokens": 6}, {"reasoning_tokens": 1})])
    TokenDetails({"cached_tokens": 4}, {"reasoning_tokens": 10})

The kinds are the engine's (``prompt_tokens_details`` and ``completion_tokens_details`` of OpenAI's
usage); one that is not told is not known, and is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class TokenDetails:
    """Parts of counts, in tokens.

    Args:
        prompt: of the prompt's, by kind.
        completion: of the completion's, by kind.
    """

    prompt: Mapping[str, int] = field(default_factory=dict)
    completion: Mapping[str, int] = field(default_factory=dict)


NOTHING_APART = TokenDetails({"cached_tokens": 0, "cache_write_tokens": 0}, {"reasoning_tokens": 0})
"""Of an engine that keeps no prompt for another request and takes no thoughts out of an answer."""


WRITES = frozenset({"cache_write_tokens", "created_cache_tokens"})
"""Kinds of a prompt's tokens that were written to a cache: OpenAI's name, and vLLM's."""


class Counted(Protocol):
    """A candidate, as far as its tokens are counted."""

    @property
    def details(self) -> TokenDetails | None:
        """What was told; None: nothing."""
        ...

    @property
    def counted_tokens(self) -> int | None:
        """What it adds to the tokens of all candidates; None where nobody counted."""
        ...


def details_of(candidates: Iterable[Counted]) -> TokenDetails:
    """Those of all candidates of a prompt, as far as each that was counted tells them. A candidate
    that was counted with another (`Candidate.group_tokens`) is told with it."""
    return joined(
        [each.details for each in candidates if each.details is not None or each.counted_tokens]
    )


def joined(details: Sequence[TokenDetails | None]) -> TokenDetails:
    """Those of several candidates of one prompt.

    Of the prompt, which is counted once, the least that was found in a cache, and the most that was
    written to it: as the first candidate did; the others find what it has left there. Of the
    completions the sum, where each of them tells the kind.

    Args:
        details: of each candidate whose tokens were counted; None: nothing was told.
    """
    told = [each for each in details if each is not None]
    prompts = [each.prompt for each in told]
    prompt = {
        kind: (max if kind in WRITES else min)(part[kind] for part in prompts if kind in part)
        for kind in _kinds(prompts)
    }
    if len(told) < len(details):
        return TokenDetails(prompt)
    return TokenDetails(prompt, summed([each.completion for each in told]))


def summed(parts: Sequence[Mapping[str, int]]) -> Mapping[str, int]:
    """The sum of each kind that all of them tell."""
    return {
        kind: sum(part[kind] for part in parts)
        for kind in _kinds(parts)
        if all(kind in part for part in parts)
    }


def _kinds(parts: Iterable[Mapping[str, int]]) -> Iterable[str]:
    """All kinds, in the order in which they come."""
    return dict.fromkeys(kind for part in parts for kind in part)
