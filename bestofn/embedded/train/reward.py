"""Owns training the reward model on pairs of a better and a worse answer to one prompt."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch.nn.functional import logsigmoid, smooth_l1_loss
from transformers import LlamaForCausalLM, LlamaForSequenceClassification, PreTrainedTokenizerFast

from bestofn.embedded.train import batches
from bestofn.embedded.train.chat import EOS, conversation, render
from bestofn.embedded.train.optimisation import Optimiser, precision
from bestofn.embedded.train.packing import Row, Scored, score
from bestofn.embedded.world import Task, corruption, stream
from bestofn.embedded.world.corruption import Answer

TOKENS_PER_PART = 2_048
"""Padded tokens of one forward; a step is a few of them."""

REPORT_EVERY = 1_000
"""Groups between two lines of progress."""

CENTRING = 0.01
"""Weight of the mean squared reward: pairs leave the zero of the scale open, this puts it between
right and wrong answers."""

SURPRISE = 0.5
"""Weight of a second loss: from the states under the last layer, a head that is thrown away has to
say how probable the language model found each token. Pairs alone say little per text; with this the
judging layers learn within minutes to see where an answer departs from what is known."""

LEAST_LOG_PROBABILITY = -8.0
"""Anything less probable is just as surprising."""

# How often each fault is drawn as the worse side of a made pair. Wrong values are the hard part.
WORSE = {"wrong": 0.7, "loop": 0.06, "cut": 0.15, "off_instruction": 0.09}
MADE_WORSE = 3


@dataclass(frozen=True, slots=True)
class Group:
    """Rendered answers to one conversation: every better one is to score above every worse one."""

    prompt: str
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
    answer = makers[fault](rng, task)
    if not answer.ended:  # a limit may stop an endless loop anywhere
        return replace(answer, text=answer.text[: rng.randint(40, len(answer.text))])
    return answer


def _group(
    messages: list[tuple[str, str]], better: Sequence[Answer], worse: Sequence[Answer]
) -> Group:
    def texts(answers: Sequence[Answer]) -> tuple[str, ...]:
        # A limit may stop a model before its first token, but never after it without a text.
        return tuple(a.text + (EOS if a.ended else "") for a in answers if a.text or a.ended)

    return Group(render(messages, "", ended=False), texts(better), texts(worse))


def train_reward_model(
    model: LlamaForSequenceClassification,
    language_model: LlamaForCausalLM,
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

    `sampled` are the generator's answers; each is used once, spread evenly, among made groups. The
    layers that came from `language_model` stay as they are.
    """
    rng = random.Random(seed)
    judged = language_model.config.num_hidden_layers
    for part in (model.model.embed_tokens, *model.model.layers[:judged]):
        part.requires_grad_(False)
    token_head = torch.nn.Sequential(
        torch.nn.RMSNorm(model.config.hidden_size), torch.nn.Linear(model.config.hidden_size, 1)
    )
    optimiser = Optimiser(torch.nn.ModuleList([model, token_head]), rate)
    model.train()
    started, seen, done, recent = time.monotonic(), 0, 0, _Recent()
    mixed = _groups(sampled, groups, rng)
    while step := list(itertools.islice(mixed, groups_per_step)):
        rows = _rows(tokenizer, step)
        for part in batches.by_length(rows, TOKENS_PER_PART, rng):
            with precision():
                scored = score(model, [rows[i] for i in part], tokenizer.pad_token_id)
                surprise = _surprise_loss(scored, token_head, language_model)
            better = [len(step[i].better) for i in part]
            centred = torch.cat(scored.rewards).square().mean()
            loss = _pairwise(scored.rewards, better, recent) + CENTRING * centred
            loss = loss + SURPRISE * surprise
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


def _pairwise(rewards: list[torch.Tensor], better: list[int], recent: _Recent) -> torch.Tensor:
    """The mean over the groups of the mean of -log sigmoid over their pairs; notes both."""
    gaps = [
        (own[:count, None] - own[None, count:]).flatten()
        for own, count in zip(rewards, better, strict=True)
    ]
    losses = torch.stack([-logsigmoid(gap).mean() for gap in gaps])
    recent.losses += losses.tolist()
    recent.in_order += sum(int((gap > 0).sum()) for gap in gaps)
    recent.pairs += sum(gap.numel() for gap in gaps)
    return losses.mean()


def _surprise_loss(
    scored: Scored, token_head: torch.nn.Module, language_model: LlamaForCausalLM
) -> torch.Tensor:
    """How far `token_head` is from the log-probability the language model gave each token."""
    with torch.no_grad():
        states = scored.states[language_model.config.num_hidden_layers]
        before = states.gather(1, scored.previous[:, :, None].expand_as(states))
        logits = language_model.lm_head(language_model.model.norm(before)).float()
        given = logits.log_softmax(-1).gather(2, scored.ids[:, :, None]).squeeze(-1)
    said = token_head(scored.states[-2]).float().squeeze(-1)
    chosen = scored.of_answer
    return smooth_l1_loss(said[chosen], given[chosen].clamp(min=LEAST_LOG_PROBABILITY))


def _groups(
    sampled: Sequence[tuple[Task, Sequence[Answer]]], groups: int, rng: random.Random
) -> Iterator[Group]:
    tasks = stream(rng.randrange(2**32), held_out=False)
    real = [g for task, answers in sampled if (g := sampled_group(rng, task, answers))]
    rng.shuffle(real)
    share = len(real) / groups
    for i in range(groups):
        if int((i + 1) * share) > int(i * share):
            yield real[int(i * share)]
        else:
            yield made_group(rng, next(tasks), next(tasks))
