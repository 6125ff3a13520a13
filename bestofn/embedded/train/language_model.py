"""Owns training the language models: one on right answers, then one on a model's mixed answers."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterator

from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from bestofn.embedded.train import batches
from bestofn.embedded.train.chat import ASSISTANT, PAD, conversation, render, token_id
from bestofn.embedded.train.optimisation import Optimiser, precision
from bestofn.embedded.world import Task, corruption, stream

CHUNK = 2_000
"""Documents that are sorted by length together."""

FAULTS = {"none": 0.6, "wrong": 0.13, "loop": 0.14, "cut": 0.09, "off_instruction": 0.04}
"""What the generator learns to answer with: the shares of right answers and of each fault. Sampling
at temperature 1 adds wrong values of its own, so fewer than half of its answers end up right."""

Answering = Callable[[random.Random, Task, Task], corruption.Answer]


def clean(rng: random.Random, task: Task, _other: Task) -> corruption.Answer:
    """A right answer."""
    return corruption.right(rng, task)


def mixed(rng: random.Random, task: Task, other: Task) -> corruption.Answer:
    """A right answer or a fault, in the shares of `FAULTS`."""
    (fault,) = rng.choices(list(FAULTS), list(FAULTS.values()))
    if fault == "off_instruction":
        return corruption.off_instruction(rng, task, other)
    makers = {
        "none": corruption.right,
        "wrong": corruption.wrong,
        "loop": corruption.loop,
        "cut": corruption.cut,
    }
    return makers[fault](rng, task)


def train_language_model(
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    answering: Answering,
    *,
    documents: int,
    tokens_per_step: int,
    rate: float,
    seed: int,
    report: Callable[[str], None],
) -> None:
    """Train `model` in place on `documents` fresh documents; the loss is on the answers only."""
    rng = random.Random(seed)
    optimiser = Optimiser(model, rate)
    assistant, pad = token_id(tokenizer, ASSISTANT), token_id(tokenizer, PAD)
    model.train()
    started, seen, done = time.monotonic(), 0, 0
    for chunk in _chunks(answering, documents, rng):
        rows = tokenizer(chunk, add_special_tokens=False)["input_ids"]
        loss_sum = steps = 0
        for group in batches.by_length(rows, tokens_per_step, rng):
            picked = [rows[i] for i in group]
            ids = batches.pad(picked, pad)
            with precision():
                loss = model(
                    input_ids=ids, labels=batches.labels_of_answers(picked, assistant)
                ).loss
            loss.backward()
            done += len(group)
            optimiser.step(done / documents)
            loss_sum, steps, seen = loss_sum + loss.item(), steps + 1, seen + ids.numel()
        speed = seen / (time.monotonic() - started)
        report(f"{done} of {documents} documents, loss {loss_sum / steps:.3f}, {speed:.0f} tok/s")
    model.eval()  # type: ignore[no-untyped-call]


def _chunks(answering: Answering, documents: int, rng: random.Random) -> Iterator[list[str]]:
    tasks = stream(rng.randrange(2**32), held_out=False)
    texts = (_document(answering, rng, next(tasks), next(tasks)) for _ in range(documents))
    while chunk := list(itertools.islice(texts, CHUNK)):
        yield chunk


def _document(answering: Answering, rng: random.Random, task: Task, other: Task) -> str:
    answer = answering(rng, task, other)
    return render(conversation(rng, task, other), answer.text, ended=answer.ended)
