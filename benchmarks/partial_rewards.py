"""Texts after a part of their tokens, and what the embedded reward model's score of them says of
that of the whole: the second table of `benchmarks.mid_decode`."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from benchmarks.recorded_run import Prompt, Recorded
from bestofn import Request
from bestofn.builders.reward_plan import RewardPlan
from bestofn.builders.rewards import open_reward_model
from bestofn.core.types import Candidate
from bestofn.settings.settings import Settings

SHARES = (0.25, 0.5, 0.75)


def snapshots(text: str, tokens: int, tokenizer: Any, counts: Sequence[int]) -> Iterator[str]:
    """The text after so many of its tokens each, without half a character at the end."""
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    for count in counts:
        cut = ids[: round(count * len(ids) / max(1, tokens))]
        yield tokenizer.decode(cut, skip_special_tokens=True).rstrip("\ufffd")


async def report_rewards(prompts: Sequence[Prompt], tokenizer: Any) -> None:
    """Print the second table."""
    found: dict[float, list[tuple[float, bool, float, bool]]] = {share: [] for share in SHARES}
    final: list[bool] = []
    async with open_reward_model(RewardPlan.of(Settings())) as model:
        assert model is not None
        for prompt in prompts:
            request = Request.from_prompt(prompt.prompt, best_of=len(prompt.candidates))
            among = [
                each
                for each in prompt.candidates
                if not each.rejected and not each.suspected and each.reward is not None
            ]
            if len(among) < 4:
                continue
            rewards = np.array([each.reward for each in among])
            best = int(rewards.argmax())
            final.append(among[best].right)
            for share in SHARES:
                cut = [_part(i, each, share, tokenizer) for i, each in enumerate(among)]
                scores = [each.reward for each in await model.score(request, cut)]
                partial = np.array([-np.inf if each is None else each for each in scores])
                left = np.argsort(-partial, kind="stable")[: (len(among) + 1) // 2]
                chosen = int(left[rewards[left].argmax()])
                chance = 1 - len(left) / len(among)
                correlation = _spearman(partial, rewards)
                found[share].append((correlation, best not in left, chance, among[chosen].right))
    print(f"{len(final)} prompts; without pruning {statistics.fmean(final):.1%} right (argmax)")
    print("| scored after | rank correlation | best would be pruned | by chance | right then |")
    print("|---:|---:|---:|---:|---:|")
    for share in SHARES:
        correlation, pruned, chance, right = (
            statistics.fmean(values) for values in zip(*found[share], strict=True)
        )
        print(f"| {share:.0%} | {correlation:.2f} | {pruned:.1%} | {chance:.1%} | {right:.1%} |")


def _part(index: int, each: Recorded, share: float, tokenizer: Any) -> Candidate:
    tokens = each.tokens or 0
    (text,) = snapshots(each.text, tokens, tokenizer, [max(1, round(share * tokens))])
    return Candidate(index, {"role": "assistant", "content": text}, None)


def _spearman(one: Any, other: Any) -> float:
    """The rank correlation, ties at their mean rank; 0 where one is constant."""
    ranks = [_ranks(each) for each in (one, other)]
    if any(each.std() == 0 for each in ranks):
        return 0.0
    return float(np.corrcoef(*ranks)[0, 1])


def _ranks(values: Any) -> Any:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return (ends - (counts - 1) / 2)[place]
