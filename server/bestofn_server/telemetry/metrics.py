"""The Prometheus metrics: their names, their help, and what feeds them."""

from __future__ import annotations

import asyncio
import collections
import math

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from bestofn.core.ranking import Ranking
from bestofn_server.admission import Admission
from bestofn_server.telemetry.labels import Bounded, Served

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_COUNTS = (1, 2, 4, 8, 16, 32, 64, 128)
_SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1)
_REWARDS = (-32, -16, -8, -4, -2, -1, 0, 0.25, 0.5, 0.75, 1, 2, 4, 8, 16, 32)
_GAINS = (0, 0.01, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16)


class Metrics:
    """All metrics of one app.

    Args:
        registry: where they are registered; one app each.
        admission: whose state the gauges show.

    Attributes:
        labels: of each counter and histogram, by its name without ``bestofn_``.
    """

    def __init__(self, registry: CollectorRegistry, admission: Admission) -> None:
        self.labels: dict[str, tuple[str, ...]] = {}

        def counter(name: str, text: str, *labels: str) -> Counter:
            self.labels[name] = labels
            return Counter(f"bestofn_{name}", text, labels, registry=registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            self.labels[name] = labels
            return Histogram(f"bestofn_{name}", text, labels, buckets=buckets, registry=registry)

        self.registry = registry
        self.bounded = Bounded()
        by = ("model", "profile")
        self.requests = counter("requests", "Requests answered.", "path", "status", *by)
        self.seconds = histogram(
            "request_seconds", "From a request to the end of its answer.", _SECONDS, "path", *by
        )
        self.first_candidate = histogram(
            "first_candidate_seconds",
            "Until the first candidate of a request finished.",
            _SECONDS,
            *by,
        )
        self.best_of = histogram("best_of", "Candidates that a request asked for.", _COUNTS, *by)
        self.sampled = histogram(
            "sampled", "Candidates that were sampled for a request.", _COUNTS, *by
        )
        self.reward = histogram(
            "reward", "Rewards of candidates: of winners and of others.", _REWARDS, "of", *by
        )
        self.tokens_aborted = counter(
            "tokens_aborted", "Tokens of candidates that a rule stopped, by the rule.", "rule", *by
        )
        self.tokens_saved = counter(
            "tokens_saved", "Estimate of the tokens that stopping saved, by the rule.", "rule", *by
        )
        self.candidates = counter(
            "candidates",
            "Candidates sampled: accepted, suspected, rejected, stopped by a rule, failed.",
            "outcome",
            *by,
        )
        self.rejections = counter(
            "rejections", "Rejections of candidates.", "filter", "reason", *by
        )
        self.failures = counter("failures", "Candidates that failed.", "reason", *by)
        self.gain = histogram(
            "reward_gain", "Reward of the winner minus reward of candidate 0.", _GAINS, *by
        )
        self.winner = histogram(
            "winner_index", "Index of the winning candidate.", (0, *_COUNTS), *by
        )
        self.confidence = histogram(
            "confidence",
            "Confidence in the winner, 0 to 1, by the rule that chose it.",
            _SHARES,
            "rule",
            *by,
        )
        self.fallbacks = counter("fallbacks", "Answers by a fallback.", "fallback", *by)
        self.deadlines = counter("deadlines", "Requests whose deadline stopped something.", *by)
        self.tokens = counter("tokens", "Tokens: returned, wasted, prompt, scored.", "kind", *by)
        self.score_batch = histogram(
            "score_batch_candidates", "Candidates in one call of the reward model.", _COUNTS
        )
        self.score_seconds = histogram(
            "score_seconds", "Duration of one call of the reward model.", _SECONDS
        )
        self.scoring = Gauge(
            "bestofn_candidates_in_scoring",
            "Candidates that the reward model has, or that wait for it.",
            registry=registry,
        )
        self.refused = counter("refused", "Requests refused because too much was running.")
        self.key_requests = counter("key_requests", "Requests by the key's name.", "key", "status")
        self.key_tokens = counter("key_tokens", "Candidate tokens admitted, by the key's.", "key")
        in_flight = Gauge("bestofn_requests_in_flight", "Requests that run now.", registry=registry)
        in_flight.set_function(lambda: admission.requests)
        tokens = Gauge(
            "bestofn_tokens_in_flight",
            "Candidate tokens that running requests may sample.",
            registry=registry,
        )
        tokens.set_function(lambda: admission.tokens)
        tasks = Gauge("bestofn_tasks", "Tasks of the event loop.", registry=registry)
        tasks.set_function(_tasks)

    def ranked(self, ranking: Ranking, served: Served) -> None:
        """Count one ranking; that of an error too.

        Args:
            ranking: it.
            served: what answered.
        """
        by = self.bounded(served)
        self.best_of.labels(*by).observe(ranking.request.best_of)
        self.sampled.labels(*by).observe(len(ranking.candidates))
        outcomes: collections.Counter[str] = collections.Counter()
        for record in ranking.candidates:
            outcomes[record.outcome] += 1
            for rejection in record.rejections:
                self.rejections.labels(rejection.filter, rejection.reason, *by).inc()
            if record.failure is not None:
                self.failures.labels(record.failure.reason, *by).inc()
            if record.reward is not None:
                place = "winner" if record.rank == 1 else "other"
                self.reward.labels(place, *by).observe(record.reward)
        for name, count in outcomes.items():
            self.candidates.labels(name, *by).inc(count)
        if ranking.timings.first_candidate:
            self.first_candidate.labels(*by).observe(ranking.timings.first_candidate)
        if ranking.fallback is not None:
            self.fallbacks.labels(ranking.fallback, *by).inc()
        if ranking.deadline_reached:
            self.deadlines.labels(*by).inc()
        if ranking.confidence is not None and ranking.chosen_by is not None:
            self.confidence.labels(ranking.chosen_by.rule, *by).observe(ranking.confidence)
        self._count_tokens(ranking, by)
        winner = ranking.winner
        if winner is None:
            return
        self.winner.labels(*by).observe(winner.index)
        if winner.reward is None:
            return
        first = next((c for c in ranking.candidates if c.index == 0), None)
        if first is not None and first.reward is not None:
            self.gain.labels(*by).observe(winner.reward - first.reward)

    def _count_tokens(self, ranking: Ranking, by: Served) -> None:
        known = [record.candidate.completion_tokens for record in ranking.best]
        returned = None if None in known else sum(each or 0 for each in known)
        counts = {"prompt": ranking.usage.prompt_tokens, "returned": returned}
        if returned is not None and (sampled := ranking.usage.completion_tokens) is not None:
            counts["wasted"] = max(0, sampled - returned)
        counts["scored"] = ranking.usage.reward_tokens
        for kind, count in counts.items():
            if count is not None:  # what nobody counted is in no kind
                self.tokens.labels(kind, *by).inc(count)
        for record in ranking.candidates:
            if (rule := record.stopped) is not None:
                spent = record.candidate.counted_tokens or 0
                self.tokens_aborted.labels(rule, *by).inc(spent)
        rules = sorted(ranking.stopped)
        if rule := ranking.stopped_by or (rules[0] if rules else None):
            self.tokens_saved.labels(rule, *by).inc(ranking.tokens_saved)


def _tasks() -> float:
    """How many the loop has that is running here; NaN where none is."""
    try:
        return len(asyncio.all_tasks())
    except RuntimeError:
        return math.nan
