"""A choice of an OpenAI completion as a `Candidate`, whoever gave it: a server or the engine here.

Example:
    completion = read_completion(response.content)
    candidates = [to_candidate(completion, at, request, at) for at in range(request.best_of)]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bestofn.core.types import Candidate, Request
from bestofn.openai_api.completions import Choice, Completion
from bestofn.openai_api.logprobs import asked_by_rules, token_logprobs

OWN_FIELDS = frozenset(
    {"index", "message", "text", "finish_reason", "logprobs", "token_ids", "prompt_token_ids"}
)
"""Fields of a choice that are not in `Candidate.extra`: it has them itself, or they are the
prompt's."""


def to_candidate(completion: Completion, place: int, request: Request, index: int) -> Candidate:
    """The choice at `place` as candidate `index` of `request`.

    Its tokens are those that it lists; else the usage of a completion with one choice. The usage of
    several, which is one sum, stands on the first of them as `Candidate.group_tokens`. Its
    log-probabilities are left out where the client did not ask for them.
    """
    choice, usage = completion.choices[place], completion.usage
    tokens, group_tokens = _tokens(choice), 0
    if tokens is None and len(completion.choices) == 1:
        tokens = usage.completion_tokens
    elif tokens is None and place == 0:
        group_tokens = usage.completion_tokens or 0
    candidate = Candidate(
        index=index,
        message=_message(choice),
        finish_reason=choice.finish_reason,
        completion_tokens=tokens,
        group_tokens=group_tokens,
        prompt_tokens=usage.prompt_tokens,
        token_ids=None if choice.token_ids is None else tuple(choice.token_ids),
        logprobs=None if asked_by_rules(request) else choice.logprobs,
        extra={
            name: value
            for name, value in (choice.model_extra or {}).items()
            if value is not None and name not in OWN_FIELDS
        },
        seed=request.seed_of(index),
    )
    return candidate.with_token_logprobs(token_logprobs(choice.logprobs))


def without_answer(
    request: Request, index: int, finish_reason: str, error: str | None = None
) -> Candidate:
    """Candidate `index` of `request` where there is no choice: it failed, or was stopped before."""
    return Candidate.without_answer(request, index, finish_reason, error)


def _message(choice: Choice) -> Mapping[str, Any]:
    """The assistant message; what a completion of raw text holds becomes its content."""
    if choice.message is None:
        return {"role": "assistant", "content": choice.text}
    return {"content": None, **{k: v for k, v in choice.message.items() if v is not None}}


def _tokens(choice: Choice) -> int | None:
    """How many tokens a choice has, where it says so itself."""
    if choice.token_ids is not None:
        return len(choice.token_ids)
    content = (choice.logprobs or {}).get("content")
    return len(content) if content else None
