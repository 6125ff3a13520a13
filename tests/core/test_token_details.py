"""Details of token counts: cached and reasoning tokens of many candidates of one prompt."""

from __future__ import annotations

from typing import Any

import pytest

from bestofn.core.token_details import TokenDetails, joined, summed
from bestofn.core.types import Request
from bestofn.openai_api.completions import completion_of
from bestofn.openai_api.to_candidate import to_candidate


def _told(cached: int, reasoning: int) -> TokenDetails:
    return TokenDetails({"cached_tokens": cached}, {"reasoning_tokens": reasoning})


def test_the_prompt_is_counted_once_and_the_completions_all() -> None:
    found = joined([_told(4, 9), _told(6, 1), _told(6, 0)])
    assert found == _told(4, 10)
    assert joined([]) == TokenDetails()


def test_of_the_prompt_what_the_first_candidate_found_and_wrote_is_told() -> None:
    first = TokenDetails({"cached_tokens": 0, "created_cache_tokens": 16})
    second = TokenDetails({"cached_tokens": 16, "created_cache_tokens": 0})
    for both in ([first, second], [second, first], [TokenDetails(), first, second]):
        assert joined(both) == first
    audio = TokenDetails({"cached_tokens": 0, "audio_tokens": 3})
    assert joined([first, audio]) == joined([audio, first])
    assert joined([first, audio]).prompt["audio_tokens"] == 3


def test_what_one_candidate_does_not_tell_is_not_known() -> None:
    assert joined([_told(4, 9), None]) == TokenDetails({"cached_tokens": 4})
    partly = TokenDetails({}, {"audio_tokens": 2})
    assert joined([_told(4, 9), partly]) == TokenDetails({"cached_tokens": 4})
    assert summed([{"a": 1, "b": 2}, {"a": 3}]) == {"a": 4}


@pytest.mark.parametrize(
    ("usage", "details"),
    [
        ({"prompt_tokens": 5, "completion_tokens": 6}, None),
        ({"prompt_tokens_details": None, "completion_tokens_details": None}, None),
        ({"prompt_tokens_details": {"cached_tokens": 4.0}}, TokenDetails({"cached_tokens": 4})),
        (
            {
                "prompt_tokens_details": {"cached_tokens": None, "audio_tokens": -1, "odd": {}},
                "completion_tokens_details": {"reasoning_tokens": 3},
            },
            TokenDetails({}, {"reasoning_tokens": 3}),
        ),
        ({"prompt_tokens_details": "many"}, None),
    ],
)
def test_an_engines_details_are_read_as_far_as_they_are_counts(usage: Any, details: Any) -> None:
    choices = [{"message": {"content": str(at)}, "finish_reason": "stop"} for at in range(2)]
    completion = completion_of({"choices": choices, "usage": usage})
    assert completion.usage.details == details
    request = Request.from_prompt("What?", best_of=2)
    first, second = (to_candidate(completion, at, request, at) for at in range(2))
    if details is not None:
        assert joined([first.details, second.details]) == details, "of both together, once"
