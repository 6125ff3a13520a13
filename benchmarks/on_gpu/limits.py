"""Out of memory, and recovery: less memory than a forward wants, and later enough again.

On CUDA torch's allocator is held to a part of the card, so that nothing else suffers; on a CPU a
hook refuses forwards of too many tokens, which shows that the checks themselves work.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from benchmarks.on_gpu.findings import Findings, Verdict, relative
from benchmarks.on_gpu.memory import some_words
from benchmarks.on_gpu.models import whole_model
from benchmarks.scoring_ways import Random
from bestofn.core.no_winner import RewardError
from bestofn.core.types import Score
from bestofn.rewards.local.batcher import OUT_OF_MEMORY
from bestofn.rewards.local.token_budget import TokenBudget
from bestofn.rewards.transformers import TransformersRewardModel

CUDA_BUDGET, CPU_BUDGET = 32768, 2048
"""Tokens of one forward, to begin with; the cache holds a quarter of that, so that texts which
come again are computed again."""

TEXTS, SHARE = 48, 0.35
"""How many texts, a twentieth of the budget each; the part of what the largest forward wanted."""

MOST_FORWARDS = 600
"""Until the budget must have grown again: it takes 32 after one fault, twice as many after each
further one (`bestofn.rewards.local.token_budget`)."""


@dataclass(frozen=True, slots=True)
class Bench:
    """A model and what it takes.

    Args:
        random: its weights.
        whole: the package's model over them.
        budget: of one forward; it is the package's to change.
        most: what that began with.
        texts: what is scored.
        expected: their rewards with all the memory there is.
        peak: bytes that scoring them took beside the weights; 0 on a CPU.
    """

    random: Random
    whole: TransformersRewardModel
    budget: TokenBudget
    most: int
    texts: Sequence[str]
    expected: Sequence[float]
    peak: int


def check_limits(findings: Findings, model: Random) -> None:
    """The checks, one after the other over one model."""
    made: list[Bench] = []

    def start() -> Verdict:
        bench = _bench(model)
        made.append(bench)
        return Verdict("measured", f"{bench.peak / 2**30:.2f} GiB beside the weights")

    findings.check("with all the memory there is", start)
    if not made:
        return
    (bench,) = made
    try:
        for name, check in (
            ("too little for a forward, enough for a smaller one", _smaller),
            ("memory again: the budget grows back", _grows),
            ("one text that does not fit alone", _one_too_long),
            ("nothing fits", _nothing_fits),
            ("and then as before", _as_before),
        ):
            findings.check(name, functools.partial(check, bench))
    finally:
        bench.whole.close()


def _bench(model: Random) -> Bench:
    cuda = model.device.type == "cuda"
    most = CUDA_BUDGET if cuda else CPU_BUDGET
    budget = TokenBudget.on(model.device, most)
    whole = whole_model(model, budget, most // 4)
    texts = [some_words(most // 20, number) for number in range(TEXTS)]
    before = 0
    if cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(model.device)
        before = torch.cuda.memory_reserved(model.device)
    expected = [_reward(score) for score in _scores(whole, texts)]
    peak = torch.cuda.max_memory_reserved(model.device) - before if cuda else 0
    return Bench(model, whole, budget, most, texts, expected, peak)


@contextlib.contextmanager
def _less_memory(bench: Bench, share: float) -> Iterator[None]:
    """For a while, only a share of what the largest forward took beside the weights."""
    device = bench.random.device
    if device.type == "cuda":
        _release(bench)
        total = torch.cuda.get_device_properties(device).total_memory
        allowed = torch.cuda.memory_reserved(device) + round(share * bench.peak)
        torch.cuda.set_per_process_memory_fraction(allowed / total)
        try:
            yield
        finally:
            torch.cuda.set_per_process_memory_fraction(1.0)
        return
    most = round(share * bench.most)

    def refuse(trunk: Any, given: Any, named: dict[str, Any]) -> None:
        if named["input_ids"].numel() > most:
            raise torch.OutOfMemoryError("as if there were too little memory")

    hook = bench.random.trunk.register_forward_pre_hook(refuse, with_kwargs=True)
    try:
        yield
    finally:
        hook.remove()


def _release(bench: Bench) -> None:
    """Give back what torch holds beside what is in use."""
    torch.cuda.synchronize(bench.random.device)
    torch.cuda.empty_cache()


def _smaller(bench: Bench) -> Verdict:
    with _less_memory(bench, SHARE):
        scores = _scores(bench.whole, bench.texts)
    if bench.budget.limit >= bench.most:
        return Verdict("wrong", "no forward ran out of memory, so nothing was shown")
    return _agree(bench, scores, f"a forward takes {bench.budget.limit:,} tokens now")


def _grows(bench: Bench) -> Verdict:
    for number in range(MOST_FORWARDS):
        if bench.budget.limit == bench.most:
            return Verdict("right", f"after {number} forwards it is {bench.most:,} again")
        _scores(bench.whole, [f"{number} and then {number + 1}"])
    return Verdict("wrong", f"{bench.budget.limit:,} after {MOST_FORWARDS} forwards")


def _one_too_long(bench: Bench) -> Verdict:
    few = bench.texts[:4]
    with _less_memory(bench, SHARE):
        scores = _scores(bench.whole, [*few, some_words(3 * bench.most, 0)])
    failure = scores[-1].failure
    if failure is None or failure.reason != OUT_OF_MEMORY:
        return Verdict("wrong", f"the long text has {scores[-1].reward} and {failure}")
    return _agree(bench, scores[:-1], failure.detail)


def _nothing_fits(bench: Bench) -> Verdict:
    with _less_memory(bench, SHARE):
        try:
            scores = _scores(bench.whole, [some_words(3 * bench.most, 0)])
        except RewardError as error:
            return Verdict("right", str(error))
    return Verdict("wrong", f"no error: {scores}")


def _as_before(bench: Bench) -> Verdict:
    return _agree(bench, _scores(bench.whole, bench.texts), "nothing is lost")


def _agree(bench: Bench, scores: Sequence[Score], detail: str) -> Verdict:
    found = [_reward(score) for score in scores]
    error = relative(found, bench.expected[: len(found)])
    most = 1e-3 if bench.random.trunk.dtype == torch.float32 else 0.05
    verdict = Verdict.within(error, most, limit=bench.budget.limit)
    return Verdict(verdict.outcome, f"{verdict.detail}; {detail}", verdict.values)


def _scores(whole: TransformersRewardModel, texts: Sequence[str]) -> list[Score]:
    return asyncio.run(whole.score_texts(texts))


def _reward(score: Score) -> float:
    if score.reward is None:
        raise RuntimeError(f"a text has no reward: {score.failure}")
    return score.reward
