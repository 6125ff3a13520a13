"""Stopping rules over the real engine: what is aborted is no longer decoded, and is counted."""

from __future__ import annotations

import dataclasses

from bestofn import Pipeline, Request, best_of_n
from bestofn.control.accepted import Accepted
from bestofn.control.policy import Policy


async def test_aborted_candidates_cost_what_they_had_come_to_and_no_more(
    pipeline: Pipeline,
) -> None:
    request = Request.from_prompt(
        "What is 7 + 5?", best_of=16, temperature=1.0, max_tokens=200, seed=7
    )
    whole = await best_of_n(request, pipeline)
    policy = Policy("best_rejected", stop=Accepted(3))
    stopped = await best_of_n(request, dataclasses.replace(pipeline, policy=policy))
    assert stopped.winner is not None
    assert stopped.stopped_by == "accepted"
    assert stopped.stopped["accepted"] >= 1
    before = {each.index: each.candidate.completion_tokens or 0 for each in whole.candidates}
    for each in stopped.candidates:
        tokens = each.candidate.completion_tokens
        if each.stopped is None:
            assert tokens == before[each.index], "the same seed samples the same"
        else:
            assert tokens is not None
            assert tokens < before[each.index]
    sampled, all_of_it = stopped.usage.completion_tokens, whole.usage.completion_tokens
    assert sampled is not None
    assert all_of_it is not None
    assert sampled < all_of_it
