"""Circuit breaker and retry budget, by a clock in the hand."""

from __future__ import annotations

import pytest

from bestofn.openai_api import breaker as breakers
from bestofn.openai_api.breaker import Breaker, RetryBudget


def test_a_budget_is_earned_by_requests_and_given_back_by_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr("bestofn.openai_api.breaker.time.monotonic", lambda: now)
    budget = RetryBudget()
    assert [budget.spend() for _ in range(11)] == [True] * 10 + [False]
    for _ in range(5):
        budget.earn()
    assert [budget.spend() for _ in range(2)] == [True, False]
    now += 3
    assert [budget.spend() for _ in range(4)] == [True, True, True, False]
    now += 1000
    assert sum(budget.spend() for _ in range(20)) == 10


def test_a_breaker_opens_tries_once_and_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("bestofn.openai_api.breaker.time.monotonic", lambda: now)
    breaker = Breaker(3, 10)
    for _ in range(2):
        breaker.failed_once()
    breaker.succeeded()
    for _ in range(3):
        assert breaker.enter()
        breaker.failed_once()
    assert (breaker.left, breaker.enter()) == (10, False)
    now += 10.5
    assert (breaker.left, breaker.enter(), breaker.enter()) == (0, True, False)
    breaker.failed_once()
    assert (breaker.left, breaker.enter()) == (10, False)
    now += 10.5
    assert breaker.enter()
    breaker.gave_up()
    assert breaker.enter()
    breaker.succeeded()
    assert [breaker.enter(), breaker.enter()] == [True, True]


def test_a_trial_that_takes_long_keeps_the_others_no_longer_than_it_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr("bestofn.openai_api.breaker.time.monotonic", lambda: now)
    breaker = Breaker(1, 10)
    breaker.failed_once()
    now += 10.5
    assert breaker.enter()
    now += 0.5
    assert (breaker.left, breaker.enter()) == (breakers.TRIAL - 0.5, False)
    now += breakers.TRIAL
    assert (breaker.left, breaker.enter()) == (0, True)
    breaker.succeeded()
    assert (breaker.left, breaker.enter()) == (0, True), "though the first is still out"
