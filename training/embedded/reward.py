"""Training the reward model on pairs of a better and a worse answer to one prompt."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch.nn.functional import logsigmoid
from transformers import LlamaForSequenceClassification, PreTrainedTokenizerFast

from training.embedded import batches
from training.embedded.architecture import LAYERS
from training.embedded.chat import PAD, token_id
from training.embedded.optimisation import Optimiser, precision
from training.embedded.packing import Row, Scored, score
from training.embedded.pairs import Group, all_groups
from training.world import Task
from training.world.corruption import Answer

TOKENS_PER_PART = 2_048
"""Padded tokens of one forward; a step is a few of them."""

REPORT_EVERY = 1_000
"""Groups between two lines of progress."""

CENTRING = 0.01
"""Weight of the mean squared reward: pairs leave the zero of the scale open, this puts it between
right and wrong answers."""

TOKENS = 0.3
"""Weight of the loss on single tokens, see `Surprise`."""

LEAST = -8.0
"""Below this log-probability a token is as surprising as can be."""


class Surprise(torch.nn.Module):
    """Teaches the layer below the last one how much each token of an answer was to be expected.

    One bit per pair, read at the last token, teaches slowly where an error stands. The language
    model under the judging layers knows at every token what should follow, so a head that is
    thrown away after training has to tell from the first judging layers what log-probability the
    language model gave to the token that came.
    """

    def __init__(self, model: LlamaForSequenceClassification) -> None:
        super().__init__()
        size = model.config.hidden_size
        self.head = torch.nn.Sequential(torch.nn.RMSNorm(size), torch.nn.Linear(size, 1))
        self._norm = model.model.norm
        self._embeddings = model.model.embed_tokens.weight

    def forward(self, scored: Scored) -> torch.Tensor:
        """The mean squared error over all tokens of answers, a scalar."""
        said = self.head(scored.states[-2]).float().squeeze(-1)[scored.answering]
        error: torch.Tensor = (said - self.expected(scored).clamp(min=LEAST)).square().mean()
        return error

    @torch.no_grad()
    def expected(self, scored: Scored) -> torch.Tensor:
        """The language model's log-probability of each token of the answers, row by row."""
        places = scored.before[..., None].expand(-1, -1, self._embeddings.shape[1])
        states = self._norm(scored.states[LAYERS].gather(1, places)[scored.answering])
        logits = (states @ self._embeddings.T).float()
        tokens = scored.tokens[scored.answering]
        said: torch.Tensor = logits.log_softmax(-1).gather(1, tokens[:, None]).squeeze(1)
        return said


def train_reward_model(
    model: LlamaForSequenceClassification,
    tokenizer: PreTrainedTokenizerFast,
    sampled: Sequence[tuple[Task, Sequence[Answer]]],
    *,
    groups: int,
    groups_per_step: int,
    rate: float,
    seed: int,
    report: Callable[[str], None],
) -> None:
    """Train `model` in place on `groups` groups with -log sigmoid(better - worse) over their pairs.

    `sampled` are the generator's answers; each is used once, spread evenly, among made groups.
    """
    rng = random.Random(seed)
    torch.manual_seed(seed)
    surprise = Surprise(model)
    optimiser = Optimiser(torch.nn.ModuleList([model, surprise]), rate)
    model.train()
    pad = token_id(tokenizer, PAD)
    started, seen, done, recent = time.monotonic(), 0, 0, _Recent()
    mixed = all_groups(sampled, groups, rng)
    while step := list(itertools.islice(mixed, groups_per_step)):
        rows = _rows(tokenizer, step)
        for part in batches.by_length(rows, TOKENS_PER_PART, rng):
            with precision():
                scored = score(model, [rows[i] for i in part], pad)
                by_tokens = surprise(scored)
            better = [len(step[i].better) for i in part]
            loss = _pairwise(scored.rewards, better, recent) + TOKENS * by_tokens
            loss = loss + CENTRING * torch.cat(tuple(scored.rewards)).square().mean()
            recent.by_tokens.append(by_tokens.item())
            (loss * len(part) / len(step)).backward()
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
    by_tokens: list[float] = field(default_factory=list)
    in_order: int = 0
    pairs: int = 0

    def summary(self) -> str:
        loss = sum(self.losses) / len(self.losses)
        by_tokens = sum(self.by_tokens) / len(self.by_tokens)
        return (
            f"loss {loss:.3f}, pairs in order {self.in_order / self.pairs:.1%}, "
            f"error by tokens {by_tokens:.2f}"
        )


def _rows(tokenizer: PreTrainedTokenizerFast, step: list[Group]) -> list[Row]:
    texts = [text for g in step for text in (g.prompt, *g.better, *g.worse)]
    ids = iter(tokenizer(texts, add_special_tokens=False)["input_ids"])
    return [Row(next(ids), list(itertools.islice(ids, len(g.better) + len(g.worse)))) for g in step]


def _pairwise(rewards: Sequence[torch.Tensor], better: list[int], recent: _Recent) -> torch.Tensor:
    """The mean over the groups of the mean of -log sigmoid over their pairs; `recent` notes it."""
    gaps = [
        (own[:count, None] - own[None, count:]).flatten()
        for own, count in zip(rewards, better, strict=True)
    ]
    losses = torch.stack([-logsigmoid(gap).mean() for gap in gaps])
    recent.losses += losses.tolist()
    recent.in_order += sum(int((gap > 0).sum()) for gap in gaps)
    recent.pairs += sum(gap.numel() for gap in gaps)
    return losses.mean()
