"""What a filter takes off a candidate: it is gone for all filters, the reward and the answer."""

from __future__ import annotations

import pytest

from bestofn.core.best_of_n import best_of_n
from bestofn.core.no_winner import NothingAcceptableError
from bestofn.core.types import Candidate, Request
from bestofn.filters.template_token import TemplateTokenFilter
from bestofn.testing import FakeRewardModel
from tests.support.scripts import FILTERS, pipeline_of


async def test_a_template_token_at_the_end_is_taken_off_and_told() -> None:
    rewards = FakeRewardModel({"good": 1.0, "better": 2.0})
    script = ["good", "better<|im_end|>"]
    pipeline, _, _ = pipeline_of(script, rewards, filters=(*FILTERS, TemplateTokenFilter()))
    ranking = await best_of_n(Request.from_prompt("x", best_of=2), pipeline)
    assert ranking.winner is not None
    assert (ranking.winner.text, ranking.winner.reward) == ("better", 2.0)
    assert ranking.winner.candidate.extra == {"stripped_tokens": ["<|im_end|>"]}


async def test_a_filter_that_fails_to_mend_fails_its_candidate() -> None:
    class Breaks(TemplateTokenFilter):
        def mend(self, candidate: Candidate) -> Candidate:
            raise ZeroDivisionError("by zero")

    pipeline, _, _ = pipeline_of(["good"], filters=(Breaks(),))
    with pytest.raises(NothingAcceptableError, match="Breaks raised ZeroDivisionError"):
        await best_of_n(Request.from_prompt("x", best_of=1), pipeline)
