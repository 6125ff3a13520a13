"""Training the language models: one on right answers, then one on a model's mixed answers."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterator

import torch
from torch.nn.functional import cross_entropy
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from training.embedded import batches
from training.embedded.chat import ASSISTANT, PAD, conversation, render, token_id
from training.embedded.optimisation import Optimiser, precision
from training.world import Task, corruption, stream

CHUNK = 2_000
"""Documents that are sorted by length together."""

FAULTS = {"none": 0.6, "wrong": 0.13, "loop": 0.14, "cut": 0.09, "off_instruction": 0.04}
"""What the generator learns to answer with: the shares of right answers and of each fault. Sampling
at temperature 1 adds wrong values of its own, so fewer than half of its answers end up right."""

RECALL = 0.3
"""Weight of `Recall`'s loss."""

NOISE = 0.1
"""Share of the answers' tokens that the model reads wrongly while it learns to recall them."""

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


class Recall(torch.nn.Module):
    """Keeps the token that came readable beside what the model expects next.

    A reward model judges a token by what was expected in its place, so it needs both in the
    language model's last layer. Left alone that layer forgets what it has read: a linear map of
    it named the token in 24 % of the places, and comparing could not be learnt above it. Some
    tokens are replaced by others, or the model would recall what it had expected. The head is
    thrown away afterwards.
    """

    def __init__(self, model: LlamaForCausalLM) -> None:
        super().__init__()
        self.head = torch.nn.Linear(model.config.hidden_size, model.config.vocab_size, bias=False)

    def forward(self, states: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """The mean cross-entropy, from the last layer's states (n, hidden) at `tokens` (n)."""
        loss: torch.Tensor = cross_entropy(self.head(states).float(), tokens)
        return loss


def _misread(ids: torch.Tensor, answers: torch.Tensor) -> torch.Tensor:
    """`ids` with `NOISE` of the answers' tokens replaced by tokens of other answers."""
    tokens = ids[answers]
    others = tokens[torch.randint(len(tokens), tokens.shape)]
    read = ids.clone()
    read[answers] = torch.where(torch.rand(tokens.shape) < NOISE, others, tokens)
    return read


def train_language_model(
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    answering: Answering,
    *,
    documents: int,
    tokens_per_step: int,
    rate: float,
    recalling: bool,
    seed: int,
    report: Callable[[str], None],
) -> None:
    """Train `model` in place on `documents` fresh documents; the loss is on the answers only.

    `recalling` says whether its last layer is to keep the tokens of the answers too.
    """
    rng = random.Random(seed)
    torch.manual_seed(seed)
    recall = Recall(model) if recalling else None
    optimiser = Optimiser(model if recall is None else torch.nn.ModuleList([model, recall]), rate)
    assistant, pad = token_id(tokenizer, ASSISTANT), token_id(tokenizer, PAD)
    model.train()
    started, seen, done = time.monotonic(), 0, 0
    for chunk in _chunks(answering, documents, rng):
        rows = tokenizer(chunk, add_special_tokens=False)["input_ids"]
        loss_sum, steps = 0.0, 0
        for group in batches.by_length(rows, tokens_per_step, rng):
            picked = [rows[i] for i in group]
            ids = batches.pad(picked, pad)
            learnt = batches.labels_of_answers(picked, assistant) != batches.IGNORED
            read = ids if recall is None else _misread(ids, learnt)
            with precision():
                states = model.model(input_ids=read).last_hidden_state
                expected = model.lm_head(states[:, :-1][learnt[:, 1:]]).float()
                loss = whole = cross_entropy(expected, ids[learnt])
                if recall is not None:
                    whole = loss + RECALL * recall(states[learnt], read[learnt])
            whole.backward()  # type: ignore[no-untyped-call]
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
