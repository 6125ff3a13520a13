"""Selectors without a vote: consensus, confidence, soft, length-corrected; by hand, ties, gaps."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter

import pytest

from bestofn.core.no_winner import RewardError
from bestofn.core.protocols import Selector
from bestofn.core.ranking import ChosenBy
from bestofn.core.types import Request
from bestofn.selection.confidence import ConfidenceSelector
from bestofn.selection.consensus import ConsensusSelector
from bestofn.selection.length_corrected import LengthCorrectedSelector
from bestofn.selection.similarity import similarities
from bestofn.selection.soft import SoftSelector
from tests.support.voters import REQUEST, chosen, voter, voters


def test_ngrams_are_compared_by_jaccard_and_words_by_their_longest_common_subsequence() -> None:
    # abcd: abc, bcd; bcde: bcd, cde: one of three in common.
    assert similarities(["abcd", "B c D e"], "ngrams")[0][1] == pytest.approx(1 / 3)
    # of 4 and 3 words 2 in order: F1 = 2 * 2 / 7.
    assert similarities(["a b c d", "b x d"], "rouge-l")[0][1] == pytest.approx(4 / 7)
    assert similarities(["", ""], "ngrams") == similarities(["", ""], "rouge-l") == [[1, 1], [1, 1]]
    assert similarities(["a", ""], "rouge-l")[0][1] == 0


async def test_the_medoid_is_the_text_most_like_all() -> None:
    given = voters("abcd", "bcde", "xyz", "bcdefgh")
    selection = await chosen(ConsensusSelector(), given)
    # bcde to abcd 1/3, to bcdefgh 2/5, to itself 1; of four.
    assert selection.order[0] == 1
    assert selection.confidence == pytest.approx((1 / 3 + 2 / 5 + 1) / 4)
    assert selection.order[-1] == 2


async def test_consensus_is_the_weighted_vote_where_texts_are_the_same_or_share_nothing() -> None:
    given = voters("aaaa", "bbbb", "bbbb", "cccc", rewards=[3.0, 2.0, 1.0, 0.0])
    weights = [math.exp(score / math.sqrt(1.25)) for score in (3, 2, 1, 0)]
    selection = await chosen(ConsensusSelector(), given)
    assert selection.order == (0, 1, 2, 3)  # of one text the better first
    assert selection.confidence == pytest.approx(weights[0] / sum(weights))
    assert selection.chosen_by == ChosenBy("consensus", None, "reward")


async def test_equal_texts_tie_by_score_then_by_index() -> None:
    assert (await chosen(ConsensusSelector(), voters("abc", "abc", "abc"))).order == (0, 1, 2)
    given = [voter(0, "abc", logprob=-2.0), voter(1, "abc", logprob=-1.0)]
    assert (await chosen(ConsensusSelector(), given)).order == (1, 0)


async def test_long_texts_are_compared_beside_the_event_loop_and_by_words_too() -> None:
    long = [f"{word} " * 2000 for word in ("one", "two", "two", "three")]
    for measure in ("ngrams", "rouge-l"):
        selection = await ConsensusSelector(similarity=measure).select(REQUEST, voters(*long))
        assert selection.order[:2] == (1, 2)


async def test_the_surest_tokens_win_and_unknown_ones_are_last() -> None:
    given = [
        voter(0, "a", logprob=-0.5),
        voter(1, "b"),
        voter(2, "c", logprob=-0.25),
        voter(3, "d", logprob=-0.5),
    ]
    selection = await chosen(ConfidenceSelector(), given)
    assert selection.order == (2, 0, 3, 1)
    assert selection.values == {0: -0.5, 2: -0.25, 3: -0.5}
    assert selection.confidence == pytest.approx(math.exp(-0.25))
    nothing = await chosen(ConfidenceSelector(), voters("a", "b"))
    assert (nothing.order, nothing.confidence) == ((0, 1), None)


async def test_windows_look_at_the_worst_part_or_the_end() -> None:
    given = [
        voter(0, "a", token_logprobs=(-1.0, -1.0, -1.0, -1.0)),
        voter(1, "b", token_logprobs=(-0.1, -3.0, -0.5, -0.1)),
        voter(2, "c", token_logprobs=(-2.0,)),
    ]
    worst = await chosen(ConfidenceSelector("lowest_window", window=2), given)
    assert worst.values == pytest.approx({0: -1.0, 1: -1.75, 2: -2.0})
    assert worst.order == (0, 1, 2)
    tail = await chosen(ConfidenceSelector("tail", window=2), given)
    assert tail.values == pytest.approx({0: -1.0, 1: -0.3, 2: -2.0})
    assert tail.order == (1, 0, 2)


async def test_soft_draws_with_the_softmax_of_the_scores_and_repeats_by_seed() -> None:
    given = voters("a", "b", "c", rewards=[0.0, 1.0, None])
    first = Counter[int]()
    for seed in range(4000):
        request = Request.from_prompt("x", seed=seed)
        selection = await SoftSelector().select(request, given)
        assert selection == await SoftSelector().select(request, list(reversed(given)))
        assert selection.order[-1] == 2  # it has no score, which is not 0
        first[selection.order[0]] += 1
    share = math.e / (1 + math.e)
    assert first[1] / 4000 == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / 4000))


async def test_soft_without_scores_is_even_and_cold_is_argmax() -> None:
    winners = Counter[int]()
    for seed in range(300):
        request = dataclasses.replace(REQUEST, seed=seed)
        winners[(await SoftSelector().select(request, voters("a", "b"))).order[0]] += 1
    assert 100 < winners[0] < 200
    for temperature in (1e-6, 5e-324):
        cold = SoftSelector(temperature=temperature)
        selection = await chosen(cold, voters("a", "b", "c", rewards=[1.0, 3.0, 2.0]))
        assert (selection.order, selection.confidence) == ((1, 2, 0), 1.0)


async def test_rewards_that_only_follow_the_length_are_taken_off() -> None:
    """Rewards are log length, but for one short answer that is better than its length says."""
    lengths = [2**at for at in range(1, 9)]
    given = [voter(at, "x", math.log(1 + n), tokens=n) for at, n in enumerate(lengths)]
    given[1] = voter(1, "x", math.log(1 + lengths[1]) + 1.0, tokens=lengths[1])
    selection = await LengthCorrectedSelector().select(REQUEST, given)
    assert selection.order[0] == 1
    few = await LengthCorrectedSelector(least=9).select(REQUEST, given)
    assert few.order[0] == 7
    equal = [voter(at, "x", float(at % 3), tokens=5) for at in range(9)]
    assert (await LengthCorrectedSelector().select(REQUEST, equal)).order[:3] == (2, 5, 8)


async def test_lengths_are_characters_where_tokens_are_not_counted() -> None:
    texts = ["x" * 2**at for at in range(8)]
    given = [voter(at, text, float(at), tokens=None) for at, text in enumerate(texts)]
    by_tokens = [voter(at, "x", float(at), tokens=2**at) for at in range(8)]
    selector = LengthCorrectedSelector()
    assert (await selector.select(REQUEST, given)).values == pytest.approx(
        (await selector.select(REQUEST, by_tokens)).values
    )


async def test_length_correction_orders_nothing_without_rewards() -> None:
    assert LengthCorrectedSelector.needs_rewards
    with pytest.raises(RewardError, match="candidate 1 has no reward"):
        await LengthCorrectedSelector().select(REQUEST, voters("a", "b", rewards=[1.0, None]))


@pytest.mark.parametrize(
    "selector",
    [ConsensusSelector(), ConfidenceSelector(), SoftSelector(), LengthCorrectedSelector()],
    ids=lambda each: type(each).__name__,
)
async def test_one_candidate_is_taken_as_it_is_and_none_stays_none(selector: Selector) -> None:
    one = await selector.select(REQUEST, voters("a"))
    assert (one.order, one.confidence) == ((0,), None)
    assert (await selector.select(REQUEST, [])).order == ()
