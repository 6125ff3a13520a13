"""Each stopping rule by itself: at which progress it stops, and at which it does not."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from bestofn.control.accepted import Accepted
from bestofn.control.agreement import Agreement, lead
from bestofn.control.evidence import Evidence, leading_share
from bestofn.control.expected_gain import ExpectedGain, expected_improvement
from bestofn.control.plateau import Plateau
from bestofn.control.policy import Policy
from bestofn.control.recent_scores import RecentScores
from bestofn.core.controller import WAIT, Controller, Decision, Progress
from bestofn.core.errors import ConfigError, RequestError
from bestofn.core.ranking import Ranking, ScoredCandidate
from bestofn.core.types import Candidate, Request
from tests.support.progress import CERTAIN, UNSURE, progress, record, stopped

REQUEST = Request.from_prompt("x", best_of=16)


@dataclass(frozen=True)
class FirstWord:
    """Votes with the first word of a text; '?' does not vote."""

    def key(self, request: Request, candidate: Candidate) -> str | None:
        word = candidate.text.split()[0]
        return None if word == "?" else word


@dataclass(frozen=True)
class OnlyTogether:
    """An answer key that can tell only from all candidates what suits them."""

    def key(self, request: Request, candidate: Candidate) -> str | None:
        return None

    def suited(self, request: Request, candidates: Sequence[Candidate]) -> FirstWord | None:
        return FirstWord() if len(candidates) >= 4 else None


def answers(*said: tuple[str, float | None] | str, logprobs: bool = False) -> list[ScoredCandidate]:
    """Accepted candidates with these texts, and scores where they are given."""
    made = []
    for index, each in enumerate(said):
        text, score = each if isinstance(each, tuple) else (each, None)
        found = record(index, None if logprobs else score)
        candidate = dataclasses.replace(
            found.candidate,
            message={"role": "assistant", "content": text},
            mean_logprob=score if logprobs else None,
        )
        made.append(dataclasses.replace(found, candidate=candidate))
    return made


class Counting(FirstWord):
    """Counts how often it is asked."""

    asked: ClassVar[int] = 0

    def key(self, request: Request, candidate: Candidate) -> str | None:
        Counting.asked += 1
        return super().key(request, candidate)


def at(finished: Sequence[ScoredCandidate], **fields: Any) -> Progress:
    """Progress of a request for 16 of which the rest still runs."""
    running = [] if fields.get("idle") else range(len(finished), 16)
    fields.pop("idle", None)
    return progress(finished, running, request=REQUEST, **fields)


def test_accepted_stops_at_k() -> None:
    assert Accepted(2).decide(at(answers("4"))) is WAIT
    assert Accepted(2).decide(at(answers("4", "5"))) == Decision(stop="accepted")
    assert Accepted(2).decide(at(answers("4", "5"), idle=True)) == Decision(stop="accepted")


def test_a_stop_aborts_what_runs_waits_for_scores_and_then_ends_the_request() -> None:
    policy = Policy(stop=Accepted(2))
    said = policy.decide(at(answers("4", "5")))
    assert said == Decision(abort=dict.fromkeys(range(2, 16), "accepted"))
    done = [*answers("4", "5"), *(stopped(i, "accepted") for i in range(2, 16))]
    assert policy.decide(at(done, idle=True, scoring=True)) is WAIT
    assert policy.decide(at(done, idle=True)) == Decision(stop="accepted")


@pytest.mark.parametrize("rejections", [CERTAIN, UNSURE])
def test_what_is_rejected_or_suspected_does_not_count_as_accepted(rejections: Any) -> None:
    finished = [record(0), record(1, rejections=rejections)]
    assert Accepted(2).decide(at(finished)) is WAIT


@pytest.mark.parametrize(
    ("first", "second", "probability"),
    [(0, 0, 0.5), (1, 0, 0.75), (3, 0, 0.9375), (4, 0, 0.96875), (1, 1, 0.5), (6, 1, 0.96484375)],
)
def test_the_lead_is_the_binomial_tail_of_the_beta_posterior(
    first: int, second: int, probability: float
) -> None:
    assert lead(first, second) == pytest.approx(probability)
    assert lead(second, first) == pytest.approx(1 - probability)


def test_agreement_stops_at_four_equal_answers_but_not_at_three() -> None:
    rule = Agreement(FirstWord())
    assert rule.decide(at(answers("4", "4", "4"))) is WAIT
    assert rule.decide(at(answers("4", "4", "4", "4"))) == Decision(stop="agreement")
    assert rule.decide(at(answers("4", "4", "4", "4", "5"))) is WAIT
    assert rule.decide(at(answers("?", "?", "?", "?", "?"))) is WAIT
    assert Agreement(None).decide(at(answers("4", "4", "4", "4"))) is WAIT


def test_agreement_by_votes_whatever_the_others_have() -> None:
    rule = Agreement(FirstWord(), votes=2)
    assert rule.decide(at(answers("4", "5"))) is WAIT
    assert rule.decide(at(answers("4", "5", "4", "6"))) == Decision(stop="agreement")


def test_an_answer_key_that_has_to_see_all_answers_is_asked_with_all() -> None:
    rule = Agreement(OnlyTogether())
    assert rule.decide(at(answers("4", "4", "4"))) is WAIT
    assert rule.decide(at(answers("4", "4", "4", "4"))) == Decision(stop="agreement")


def test_keys_are_looked_for_again_only_where_a_candidate_has_come() -> None:
    rule = Agreement(Counting())
    for _ in range(3):
        rule.decide(at(answers("4", "5")))
    assert Counting.asked == 2
    rule.decide(at(answers("4", "5", "6")))
    assert Counting.asked == 3, "those of before are known"
    other = dataclasses.replace(REQUEST, id="another")
    rule.decide(progress(answers("4", "5"), range(2, 16), request=other))
    assert Counting.asked == 5


def test_the_leading_share_adds_up_equal_answers_and_holds_the_prior_against_them() -> None:
    e = math.exp
    alone = leading_share({0: 2.0}, {0: "a"}, prior=1.0, temperature=0.5)
    assert alone == pytest.approx(e(4) / (e(4) + e(2)))
    both = leading_share({0: 2.0, 1: 1.0}, {0: "a", 1: "a"}, prior=1.0, temperature=0.5)
    assert both == pytest.approx((e(4) + e(2)) / (e(4) + e(2) + e(2)))
    apart = leading_share({0: 2.0, 1: 2.0}, {}, prior=1.0, temperature=0.5)
    assert apart == pytest.approx(e(4) / (2 * e(4) + e(2)))


def test_rewards_of_thousands_do_not_overflow() -> None:
    assert leading_share({0: 5e4, 1: -5e4}, {}, prior=0.0, temperature=0.01) == pytest.approx(1.0)


def test_evidence_stops_on_a_good_answer_sooner_than_on_a_poor_one() -> None:
    rule = Evidence(FirstWord(), rewards=True, prior=1.0, share=0.8)
    assert rule.decide(at(answers(("4", 2.0)))) == Decision(stop="evidence")
    assert rule.decide(at(answers(("4", 1.0)))) is WAIT
    assert rule.decide(at(answers(("4", 1.0), ("4", 1.0)))) is WAIT
    assert rule.decide(at(answers(*[("4", 1.0)] * 4))) == Decision(stop="evidence")
    assert rule.decide(at(answers(*[("4", 1.0), ("5", 1.0)] * 4))) is WAIT


def test_evidence_without_a_prior_or_scores_is_agreement() -> None:
    recent = RecentScores(rewards=True)
    rule = Evidence(FirstWord(), rewards=True, recent=recent)
    assert rule.decide(at(answers(("4", 9.0)))) is WAIT
    assert rule.decide(at(answers(*[("4", 9.0)] * 4))) == Decision(stop="agreement")
    assert Evidence(FirstWord(), rewards=False, prior=-0.5).decide(
        at(answers("4", "4", "4", "4"))
    ) == Decision(stop="agreement")


def test_evidence_reads_mean_logprobs_where_nothing_scores() -> None:
    rule = Evidence(FirstWord(), rewards=False, prior=-0.6)
    assert rule.decide(at(answers(("4", -0.1), logprobs=True))) == Decision(stop="evidence")
    assert rule.decide(at(answers(("4", -0.5), logprobs=True))) is WAIT


def test_evidence_learns_its_prior_from_recent_requests() -> None:
    recent = RecentScores(rewards=True)
    rule = Evidence(FirstWord(), rewards=True, recent=recent)
    policy = Policy(stop=rule, recent=recent)
    for _ in range(8):
        policy.learn(Ranking(REQUEST, tuple(record(i, float(i)) for i in range(10))))
    assert recent.quantile(0.65) == pytest.approx(6.0, abs=0.2)
    assert rule.decide(at(answers(("4", 9.0)))) == Decision(stop="evidence")
    assert rule.decide(at(answers(("4", 5.0)))) is WAIT


def test_recent_scores_say_nothing_before_they_know_64_and_leave_out_what_was_rejected() -> None:
    recent = RecentScores(rewards=True)
    recent.learn(Ranking(REQUEST, tuple(record(i, 1.0) for i in range(63))))
    recent.learn(Ranking(REQUEST, (record(0, 9.0, rejections=CERTAIN), record(1))))
    assert recent.quantile(0.5) is None
    assert recent.spread() is None
    recent.learn(Ranking(REQUEST, (record(0, 1.0),)))
    assert recent.quantile(0.5) == 1.0
    assert recent.spread() == (1.0, 0.0)


def test_plateau_stops_after_so_many_candidates_without_a_better_one() -> None:
    rule = Plateau(rewards=True, patience=2)
    assert rule.decide(at(answers(("a", 1.0), ("b", 0.0)))) is WAIT
    assert rule.decide(at(answers(("a", 1.0), ("b", 0.0), ("c", 1.0)))) == Decision(stop="plateau")
    assert rule.decide(at(answers(("a", 1.0), ("b", 0.0), ("c", 2.0)))) is WAIT
    assert rule.decide(at(answers("a", "b", "c"))) is WAIT


def test_the_expected_improvement_of_a_standard_normal() -> None:
    assert expected_improvement(0.0, 1.0, 0.0) == pytest.approx(1 / math.sqrt(2 * math.pi))
    assert expected_improvement(0.0, 1.0, 2.0) == pytest.approx(0.00849, abs=1e-5)
    assert expected_improvement(1.0, 0.0, 0.0) == 1.0
    assert expected_improvement(0.0, 0.0, 1.0) == 0.0


def test_expected_gain_stops_once_the_best_is_far_above_the_mean() -> None:
    rule = ExpectedGain(rewards=True, gain=0.05)
    assert rule.decide(at(answers(("a", 5.0)))) is WAIT
    assert rule.decide(at(answers(("a", 0.0), ("b", 1.0)))) is WAIT
    low = [("x", 0.0), ("y", 0.1)] * 5
    assert rule.decide(at(answers(*low, ("z", 3.0)))) == Decision(stop="expected_gain")


def test_expected_gain_expects_nothing_of_equal_scores() -> None:
    rule = ExpectedGain(rewards=True, gain=1000.0)
    assert rule.decide(at(answers(("a", 0.0), ("b", 0.0), ("c", 0.0)))) is WAIT
    assert rule.decide(at(answers(("a", 0.0), ("b", 0.0), ("c", 1.0)))) is not WAIT


def test_no_rule_stops_a_request_that_is_done() -> None:
    done = at(answers(*[("4", 9.0)] * 16), idle=True)
    for rule in (
        Accepted(2),
        Agreement(FirstWord()),
        Evidence(FirstWord(), rewards=True, prior=0.0),
        Plateau(rewards=True),
        ExpectedGain(rewards=True),
    ):
        assert rule.decide(done) is WAIT


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Accepted(0), "count is 0"),
        (lambda: Agreement(None, confidence=1.0), "confidence is 1.0"),
        (lambda: Agreement(None, votes=0), "votes is 0"),
        (lambda: Evidence(None, rewards=True, share=1.0), "share is 1.0"),
        (lambda: Evidence(None, rewards=True, temperature=0.0), "temperature is 0.0"),
        (lambda: Evidence(None, rewards=True, prior=math.nan), "prior is nan"),
        (lambda: ExpectedGain(rewards=True, gain=0.0), "gain is 0.0"),
        (lambda: Plateau(rewards=True, patience=0), "patience is 0"),
    ],
)
def test_an_option_out_of_its_range_is_refused_in_one_sentence(make: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        make()


class StopAtOnce:
    """A rule that would stop before anything is there."""

    def decide(self, progress: Progress) -> Decision:
        return Decision(stop="at_once")


def test_a_policy_lets_its_rule_stop_only_above_the_floor() -> None:
    rule: Controller = StopAtOnce()
    assert Policy(stop=rule).decide(at([])) is WAIT
    one, two = at(answers("4"), idle=True), at(answers("4", "4"), idle=True)
    assert Policy(stop=rule).decide(one) == Decision(stop="at_once")
    assert Policy(stop=rule, least=2).decide(one).stop is None
    assert Policy(stop=rule, least=2).decide(two) == Decision(stop="at_once")


def test_a_floor_above_best_of_is_refused_when_the_request_comes() -> None:
    with pytest.raises(RequestError, match=r"stop\.min is 17, and best_of is 16"):
        Policy(stop=StopAtOnce(), least=17).budget_of(REQUEST)
