"""Selectors that vote: values by hand, ties, missing scores, who does not vote, one and none."""

from __future__ import annotations

import math

import pytest

from bestofn.core.protocols import Selector
from bestofn.core.ranking import ChosenBy
from bestofn.selection.best_of_majority import BestOfMajoritySelector
from bestofn.selection.majority_of_bests import MajorityOfBestsSelector
from bestofn.selection.vote import VoteSelector
from bestofn.selection.weighted_vote import WeightedVoteSelector
from tests.support.voters import REQUEST, WholeText, chosen, voter, voters

KEY = WholeText()
VOTING: list[Selector] = [
    VoteSelector(KEY),
    WeightedVoteSelector(KEY),
    BestOfMajoritySelector(KEY),
    MajorityOfBestsSelector(KEY),
]


async def test_the_most_frequent_answer_wins_by_its_best_candidate() -> None:
    given = voters("a", "b", "b", "c", "b", rewards=[9.0, 1.0, 3.0, 5.0, 2.0])
    selection = await chosen(VoteSelector(KEY), given)
    assert selection.order == (2, 4, 1, 0, 3)
    assert selection.confidence == 0.6
    assert selection.values == {0: 0.2, 1: 0.6, 2: 0.6, 3: 0.2, 4: 0.6}
    assert selection.keys == {0: "a", 1: "b", 2: "b", 3: "c", 4: "b"}
    assert selection.chosen_by == ChosenBy("vote", "custom", "reward")


async def test_equal_votes_go_to_the_higher_best_score_then_to_the_lower_index() -> None:
    by_reward = voters("a", "a", "b", "b", rewards=[1.0, 2.0, 3.0, 0.0])
    assert (await chosen(VoteSelector(KEY), by_reward)).order == (2, 3, 1, 0)
    by_logprob = [voter(0, "a", logprob=-0.5), voter(1, "b", logprob=-0.1)]
    assert (await chosen(VoteSelector(KEY), by_logprob)).order == (1, 0)
    by_index = voters("b", "a", "a", "b")
    assert (await chosen(VoteSelector(KEY), by_index)).order == (0, 3, 1, 2)


async def test_a_weighted_vote_sums_exp_z_of_each_answer() -> None:
    # Mean 2, standard deviation sqrt(2): z = -sqrt2, -1/sqrt2, 0, 1/sqrt2, sqrt2.
    given = voters("a", "b", "b", "b", "c", rewards=[4.0, 3.0, 2.0, 1.0, 0.0])
    z = math.sqrt(2)
    a, b, c = math.exp(z), math.exp(z / 2) + 1 + math.exp(-z / 2), math.exp(-z)
    selection = await chosen(WeightedVoteSelector(KEY), given)
    assert selection.order == (0, 1, 2, 3, 4)  # 4.11 against 3.52
    assert selection.confidence == pytest.approx(a / (a + b + c))
    assert selection.values[4] == pytest.approx(c / (a + b + c))
    warm = await chosen(WeightedVoteSelector(KEY, temperature=2.0), given)
    assert warm.order == (1, 2, 3, 0, 4)  # 2.03 against 3.13


async def test_weights_need_no_scale_of_rewards() -> None:
    plain = voters("a", "b", "b", "c", rewards=[4.0, 3.0, 2.0, 0.0])
    large = voters("a", "b", "b", "c", rewards=[4e9 + 7, 3e9 + 7, 2e9 + 7, 7.0])
    one, other = [await chosen(WeightedVoteSelector(KEY), each) for each in (plain, large)]
    assert one.order == other.order
    assert one.confidence == pytest.approx(other.confidence)


async def test_the_temperature_leads_from_argmax_to_the_plain_vote() -> None:
    given = voters("a", "b", "b", rewards=[3.0, 2.0, 1.0])
    cold = await chosen(WeightedVoteSelector(KEY, temperature=1e-3), given)
    assert cold.order == (0, 1, 2)
    assert cold.confidence == pytest.approx(1.0)
    hot = await chosen(WeightedVoteSelector(KEY, temperature=1e6), given)
    assert hot.order == (1, 2, 0)
    assert hot.confidence == pytest.approx(2 / 3, abs=1e-4)


async def test_mean_logprobs_are_the_scores_where_nothing_scores() -> None:
    given = [
        voter(0, "a", logprob=-0.1),
        voter(1, "b", logprob=-3.0),
        voter(2, "b", logprob=-3.2),
        voter(3, "c", logprob=-3.1),
    ]
    selection = await chosen(WeightedVoteSelector(KEY), given)
    assert selection.order[0] == 0
    assert selection.chosen_by == ChosenBy("weighted_vote", "custom", "mean_logprob")
    bare = await chosen(WeightedVoteSelector(KEY), voters("a", "b", "b", "c"))
    assert (bare.order[0], bare.confidence) == (1, 0.5)
    assert bare.chosen_by == ChosenBy("weighted_vote", "custom", None)


async def test_a_missing_score_is_not_zero() -> None:
    """With 0 the candidate without a reward would be the best of these, or the worst."""
    for sign in (1, -1):
        given = voters("a", "b", "c", rewards=[sign * 8.0, None, sign * 10.0])
        order = (await chosen(WeightedVoteSelector(KEY), given)).order
        assert order.index(1) == 1  # the mean of the others' weights, between them
        assert (await chosen(VoteSelector(KEY), given)).order[-1] == 1
        assert (await chosen(BestOfMajoritySelector(KEY), given)).order[-1] == 1
        assert (await chosen(MajorityOfBestsSelector(KEY, m=2), given)).order[-1] == 1


async def test_best_of_majority_leaves_out_rare_answers_however_good() -> None:
    texts = ["a", *["b"] * 4, *["c"] * 3]
    given = voters(*texts, rewards=[99.0, 1.0, 5.0, 2.0, 3.0, 4.0, 0.0, 6.0])
    selection = await BestOfMajoritySelector(KEY, share=0.2).select(REQUEST, given)
    assert selection.order == (7, 2, 5, 4, 3, 1, 6, 0)
    assert selection.confidence == 3 / 8
    none_is_often = await BestOfMajoritySelector(KEY, share=0.9).select(REQUEST, given)
    assert none_is_often.order[0] == 0


async def test_majority_of_bests_sums_the_chances_of_the_closed_form() -> None:
    # n = 4, m = 2: the chances by rank are 7/16, 5/16, 3/16, 1/16.
    given = voters("a", "b", "b", "a", rewards=[4.0, 3.0, 2.0, 1.0])
    selection = await chosen(MajorityOfBestsSelector(KEY), given)
    assert selection.values == pytest.approx({0: 8 / 16, 1: 8 / 16, 2: 8 / 16, 3: 8 / 16})
    assert selection.order == (0, 3, 1, 2)  # equal chances: the better best candidate
    other = await chosen(
        MajorityOfBestsSelector(KEY), voters("a", "b", "b", "c", rewards=[4.0, 3.0, 2.0, 1.0])
    )
    assert other.order == (1, 2, 0, 3)
    assert other.confidence == pytest.approx(8 / 16)


async def test_candidates_of_equal_score_share_their_chances() -> None:
    given = voters("a", "b", "c", rewards=[1.0, 1.0, 0.0])
    selection = await chosen(MajorityOfBestsSelector(KEY, m=2), given)
    assert selection.values == pytest.approx({0: 4 / 9, 1: 4 / 9, 2: 1 / 9})


@pytest.mark.parametrize("selector", VOTING, ids=lambda each: type(each).__name__)
async def test_who_does_not_vote_is_last_and_makes_the_winner_less_sure(selector: Selector) -> None:
    given = voters("?1", "a", "?2", "a", rewards=[2.0, 1.0, 3.0, 0.0])
    selection = await chosen(selector, given)
    assert selection.order == (1, 3, 2, 0)
    assert selection.confidence is not None
    assert selection.confidence < 1
    assert selection.keys == {1: "a", 3: "a"}


@pytest.mark.parametrize("selector", VOTING, ids=lambda each: type(each).__name__)
async def test_where_nobody_votes_scores_decide_and_nobody_is_sure(selector: Selector) -> None:
    given = voters("?1", "?2", "?3", rewards=[2.0, 1.0, 3.0])
    selection = await chosen(selector, given)
    assert (selection.order, selection.confidence, selection.keys) == ((2, 0, 1), None, {})


@pytest.mark.parametrize("selector", VOTING, ids=lambda each: type(each).__name__)
async def test_one_candidate_is_taken_as_it_is_and_none_stays_none(selector: Selector) -> None:
    class Raises:
        def key(self, *_: object) -> str | None:
            raise AssertionError("one candidate is not looked at")

    looks = type(selector)(Raises())  # type: ignore[call-arg]
    one = await looks.select(REQUEST, voters("a", rewards=[None]))
    assert (one.order, one.confidence, one.values) == ((0,), None, {})
    assert (await looks.select(REQUEST, [])).order == ()
