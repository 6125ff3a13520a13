"""Owns training the reward model on pairs of a better and a worse answer to one prompt."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch.nn.functional import logsigmoid
from transformers import LlamaForSequenceClassification, PreTrainedTokenizerFast

from bestofn.embedded.train import batches
from bestofn.embedded.train.chat import PAD, token_id
from bestofn.embedded.train.optimisation import Optimiser, precision
from bestofn.embedded.train.packing import Row, score
from bestofn.embedded.train.pairs import Group, all_groups
from bestofn.embedded.world import Task
from bestofn.embedded.world.corruption import Answer

TOKENS_PER_PART = 2_048
"""Padded tokens of one forward; a step is a few of them."""

REPORT_EVERY = 1_000
"""Groups between two lines of progress."""

CENTRING = 0.01
"""Weight of the mean squared reward: pairs leave the zero of the scale open, this puts it between
right and wrong answers."""

TOKENS = 1.0
"""Weight of the same pairwise loss on what a head that is thrown away says of every token, read one
layer below and added up over the answer. The last token alone learns slowly from one bit per pair;
with this the body learns to notice an error at the token where it stands."""


def train_reward_model(
    model: LlamaForSequenceClassification,
    tokenizer: PreTrainedTokenizerFast,
    sampled: Sequence[tuple[Task, Sequence[Answer]]],
    *,
    shares: Mapping[str, float] | None = None,
    groups: int,
    groups_per_step: int,
    rate: float,
    seed: int,
    report: Callable[[str], None],
) -> None:
    """Train `model` in place on `groups` groups with -log sigmoid(better - worse) over their pairs.

    `sampled` are the generator's answers; each is used once, spread evenly, among made groups;
    `shares` says how often each kind of task is drawn for those.
    """
    rng = random.Random(seed)
    torch.manual_seed(seed)
    size = model.config.hidden_size
    token_head = torch.nn.Sequential(torch.nn.RMSNorm(size), torch.nn.Linear(size, 1, bias=False))
    optimiser = Optimiser(torch.nn.ModuleList([model, token_head]), rate)
    model.train()
    pad = token_id(tokenizer, PAD)
    started, seen, done, recent = time.monotonic(), 0, 0, _Recent()
    mixed = all_groups(sampled, groups, rng, shares)
    while step := list(itertools.islice(mixed, groups_per_step)):
        rows = _rows(tokenizer, step)
        for part in batches.by_length(rows, TOKENS_PER_PART, rng):
            with precision():
                scored = score(model, [rows[i] for i in part], pad, token_head)
            better = [len(step[i].better) for i in part]
            loss = _pairwise(scored.rewards, better, recent)
            loss = loss + CENTRING * torch.cat(tuple(scored.rewards)).square().mean()
            loss = loss + TOKENS * _pairwise(scored.by_tokens, better, None)
            (loss * len(part) / len(step)).backward()  # type: ignore[no-untyped-call]
        done, seen = done + len(step), seen + sum(map(len, rows))
        optimiser.step(done / groups)
        if done // REPORT_EVERY > (done - len(step)) // REPORT_EVERY or done == groups:
            speed = seen / (time.monotonic() - started)
            report(f"{done} of {groups} groups, {recent.summary()}, {speed:.0f} tok/s")
            recent = _Recent()
    model.eval()  # type: ignore[no-untyped-call]


@dataclass(slots=True)
class _Recent:
    """What happened since the last report."""

    losses: list[float] = field(default_factory=list)
    in_order: int = 0
    pairs: int = 0

    def summary(self) -> str:
        loss = sum(self.losses) / len(self.losses)
        return f"loss {loss:.3f}, pairs in order {self.in_order / self.pairs:.1%}"


def _rows(tokenizer: PreTrainedTokenizerFast, step: list[Group]) -> list[Row]:
    texts = [text for g in step for text in (g.prompt, *g.better, *g.worse)]
    ids = iter(tokenizer(texts, add_special_tokens=False)["input_ids"])
    return [Row(next(ids), list(itertools.islice(ids, len(g.better) + len(g.worse)))) for g in step]


def _pairwise(
    rewards: Sequence[torch.Tensor], better: list[int], recent: _Recent | None
) -> torch.Tensor:
    """The mean over the groups of the mean of -log sigmoid over their pairs; `recent` notes it."""
    gaps = [
        (own[:count, None] - own[None, count:]).flatten()
        for own, count in zip(rewards, better, strict=True)
    ]
    losses = torch.stack([-logsigmoid(gap).mean() for gap in gaps])
    if recent is not None:
        recent.losses += losses.tolist()
        recent.in_order += sum(int((gap > 0).sum()) for gap in gaps)
        recent.pairs += sum(gap.numel() for gap in gaps)
    return losses.mean()
