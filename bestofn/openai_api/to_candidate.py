"""A choice of an OpenAI completion as a `Candidate`, whoever gave it: a server or the engine here.

Example:
    completion = read_completion(response.content)
    candidates = [to_candidate(completion, at, request, at) for at in range(request.best_of)]
"""

from __future__ import annotations

import dataclasses

from bestofn.core.no_winner import GeneratorBusyError, GeneratorError
from bestofn.core.token_details import TokenDetails
from bestofn.core.types import Candidate, Request
from bestofn.openai_api.completions import Choice, Completion
from bestofn.openai_api.logprobs import asked_by_rules, token_logprobs


def to_candidate(completion: Completion, place: int, request: Request, index: int) -> Candidate:
    """The choice at `place` as candidate `index` of `request`; one that cannot be read failed.

    Its tokens are those that it lists; else the usage of a completion with one choice. The usage of
    several, which is one sum, stands on the first of them as `Candidate.group_tokens`, and so do
    its details. Its
    log-probabilities are left out where the client did not ask for them.
    """
    choice, usage = completion.choices[place], completion.usage
    tokens = _tokens(choice)
    group_tokens: int | None = 0
    if tokens is None and len(completion.choices) == 1:
        tokens, group_tokens = usage.completion_tokens, usage.completion_tokens
    elif tokens is None and place == 0:
        group_tokens = usage.completion_tokens
    details = usage.details
    if details is not None and place > 0:
        details = TokenDetails(details.prompt, dict.fromkeys(details.completion, 0))
    if choice.error is not None:
        failed = without_answer(request, index, "error", choice.error)
        return dataclasses.replace(
            failed, completion_tokens=tokens, group_tokens=group_tokens, details=details
        )
    candidate = Candidate(
        index=index,
        message={"content": None, **choice.message},
        finish_reason=choice.finish_reason,
        completion_tokens=tokens,
        group_tokens=group_tokens,
        prompt_tokens=usage.prompt_tokens,
        token_ids=choice.token_ids,
        logprobs=None if asked_by_rules(request) else choice.logprobs,
        extra=choice.extra,
        seed=request.seed_of(index),
        details=details,
    )
    return candidate.with_token_logprobs(token_logprobs(choice.logprobs))


def failed_candidate(request: Request, index: int, error: GeneratorError) -> Candidate:
    """Candidate `index` of `request`, on which the engine failed."""
    busy = error.retry_after if isinstance(error, GeneratorBusyError) else None
    return Candidate.without_answer(request, index, "error", str(error), busy)


def without_answer(
    request: Request, index: int, finish_reason: str, error: str | None = None
) -> Candidate:
    """Candidate `index` of `request` where there is no choice: it failed, or was stopped before."""
    return Candidate.without_answer(request, index, finish_reason, error)


def _tokens(choice: Choice) -> int | None:
    """How many tokens a choice has, where it says so itself."""
    if choice.token_ids is not None:
        return len(choice.token_ids)
    content = (choice.logprobs or {}).get("content")
    return len(content) if isinstance(content, list) and content else None
