"""Owns training the reward model on pairs of a better and a worse answer to one prompt."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch.nn.functional import logsigmoid
from transformers import LlamaForSequenceClassification, PreTrainedTokenizerFast

from bestofn.embedded.train import batches
from bestofn.embedded.train.chat import conversation, render
from bestofn.embedded.train.optimisation import Optimiser, precision
from bestofn.embedded.world import Task, corruption, stream
from bestofn.embedded.world.corruption import Answer

CHUNK = 500
"""Groups that are sorted by length together."""

CENTRING = 0.01
"""Weight of the mean squared reward: pairs leave the zero of the scale open, this puts it between
right and wrong answers."""

# How often each fault is drawn as the worse side of a made pair. Wrong values are the hard part.
WORSE = {"wrong": 0.62, "loop": 0.1, "cut": 0.18, "off_instruction": 0.1}
MADE_WORSE = 3


@dataclass(frozen=True, slots=True)
class Group:
    """Answers to one conversation: every better one is to be scored above every worse one."""

    better: tuple[str, ...]
    worse: tuple[str, ...]


def made_group(rng: random.Random, task: Task, other: Task) -> Group:
    """A right answer, or two, against `MADE_WORSE` made corruptions.

    One group in ten sets a complete wrong answer above broken ones instead, so that what is left
    when nothing is right is still ordered.
    """
    messages = conversation(rng, task, other)
    if rng.random() < 0.1:
        better = [corruption.wrong(rng, task)]
        worse = [corruption.loop(rng, task), corruption.cut(rng, task)]
    else:
        better = [corruption.right(rng, task) for _ in range(rng.randint(1, 2))]
        worse = [_worse(rng, task, other) for _ in range(MADE_WORSE)]
    return _group(messages, better, worse)


def sampled_group(rng: random.Random, task: Task, answers: Sequence[Answer]) -> Group | None:
    """A group from the generator's own answers; None where they are all right or all wrong."""
    better = [a for a in answers if a.fault == "none"][:2]
    worse = [a for a in answers if a.fault != "none"][:4]
    if not better or not worse:
        return None
    return _group(conversation(rng, task, task), better, worse)


def _worse(rng: random.Random, task: Task, other: Task) -> Answer:
    (fault,) = rng.choices(list(WORSE), list(WORSE.values()))
    if fault == "off_instruction":
        return corruption.off_instruction(rng, task, other)
    makers = {"wrong": corruption.wrong, "loop": corruption.loop, "cut": corruption.cut}
    return makers[fault](rng, task)


def _group(
    messages: list[tuple[str, str]], better: Sequence[Answer], worse: Sequence[Answer]
) -> Group:
    def texts(answers: Sequence[Answer]) -> tuple[str, ...]:
        return tuple(render(messages, a.text, ended=a.ended) for a in answers)

    return Group(texts(better), texts(worse))


def train_reward_model(
    model: LlamaForSequenceClassification,
    tokenizer: PreTrainedTokenizerFast,
    sampled: Sequence[tuple[Task, Sequence[Answer]]],
    *,
    groups: int,
    tokens_per_step: int,
    rate: float,
    seed: int,
    report: Callable[[str], None],
) -> None:
    """Train `model` in place on `groups` groups with -log sigmoid(better - worse) over their pairs.

    `sampled` are the generator's answers; each is used once, spread evenly, among made groups.
    """
    rng = random.Random(seed)
    optimiser = Optimiser(model, rate)
    model.train()
    started, seen, done = time.monotonic(), 0, 0
    for chunk in _chunks(sampled, groups, rng):
        texts = [[*group.better, *group.worse] for group in chunk]
        flat = tokenizer(list(itertools.chain(*texts)), add_special_tokens=False)["input_ids"]
        encoded = iter(flat)
        rows = [list(itertools.islice(encoded, len(group))) for group in texts]
        padded = [max(rows_of, key=len) * len(rows_of) for rows_of in rows]
        loss_sum = right = pairs = steps = 0.0
        for picked in batches.by_length(padded, tokens_per_step, rng):
            loss, hits, count = _loss(
                model, tokenizer, [rows[i] for i in picked], [len(chunk[i].better) for i in picked]
            )
            loss.backward()  # type: ignore[no-untyped-call]
            done += len(picked)
            optimiser.step(done / groups)
            loss_sum, steps = loss_sum + loss.item(), steps + 1
            right, pairs = right + hits, pairs + count
            seen += sum(len(padded[i]) for i in picked)
        speed = seen / (time.monotonic() - started)
        report(
            f"{done} of {groups} groups, loss {loss_sum / steps:.3f}, "
            f"pairs in order {right / pairs:.1%}, {speed:.0f} tok/s"
        )
    model.eval()  # type: ignore[no-untyped-call]


def _loss(
    model: LlamaForSequenceClassification,
    tokenizer: PreTrainedTokenizerFast,
    rows: list[list[list[int]]],
    better: list[int],
) -> tuple[torch.Tensor, int, int]:
    """The loss, the pairs in order and the pairs of one step."""
    with precision():
        logits = model(
            input_ids=batches.pad(list(itertools.chain(*rows)), tokenizer.pad_token_id)
        ).logits
    rewards = logits.float().squeeze(-1).split([len(group) for group in rows])
    gaps = [
        (r[:count, None] - r[None, count:]).flatten()
        for r, count in zip(rewards, better, strict=True)
    ]
    gap = torch.cat(gaps)
    loss = torch.stack([-logsigmoid(g).mean() for g in gaps]).mean()
    centred = torch.cat(rewards).square().mean()
    return loss + CENTRING * centred, int((gap > 0).sum()), gap.numel()


def _chunks(
    sampled: Sequence[tuple[Task, Sequence[Answer]]], groups: int, rng: random.Random
) -> Iterator[list[Group]]:
    tasks = stream(rng.randrange(2**32), held_out=False)
    real = [g for task, answers in sampled if (g := sampled_group(rng, task, answers))]
    rng.shuffle(real)
    share = len(real) / groups
    made = 0
    chunk: list[Group] = []
    for i in range(groups):
        if int((i + 1) * share) > int(i * share):
            chunk.append(real[int(i * share)])
        else:
            chunk.append(made_group(rng, next(tasks), next(tasks)))
            made += 1
        if len(chunk) == CHUNK or i == groups - 1:
            yield chunk
            chunk = []
