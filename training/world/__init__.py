"""The embedded world: the questions the shipped models know, with their ground truth.

One module a kind of question (`KINDS`); each makes a `Task`: prompt, right and wrong answers, and
a checker. `python -m training.embedded` trains on one side of the split, never on the other:

    task = held_out_tasks(1)[0]
    assert is_correct(task, task.answer)
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from training.world import arithmetic, definitions, facts, listing, ordering
from training.world.holdout import is_held_out
from training.world.task import Language, Task, is_correct

__all__ = ["KINDS", "Language", "Task", "held_out_tasks", "is_correct", "is_held_out", "stream"]

# How often each kind is drawn; arithmetic and ordering have the most to learn.
KINDS = {
    "arithmetic": (arithmetic.sample, 0.3),
    "ordering": (ordering.sample, 0.24),
    "facts": (facts.sample, 0.22),
    "listing": (listing.sample, 0.15),
    "definitions": (definitions.sample, 0.09),
}


def stream(seed: int, *, held_out: bool) -> Iterator[Task]:
    """Endless random tasks from one side of the split, half of them Chinese; repeats occur."""
    rng = random.Random(seed)
    samplers = [sampler for sampler, _ in KINDS.values()]
    weights = [own for _, own in KINDS.values()]
    languages: tuple[Language, Language] = ("en", "zh")
    while True:
        (sampler,) = rng.choices(samplers, weights)
        task = sampler(rng, rng.choice(languages))
        if is_held_out(task.prompt) == held_out:
            yield task


def held_out_tasks(count: int, seed: int = 0) -> list[Task]:
    """`count` held-out tasks with different prompts, the same ones for the same seed.

    Raises:
        ValueError: the world has not that many held-out prompts.
    """
    tasks: dict[str, Task] = {}
    for drawn, task in enumerate(stream(seed, held_out=True)):
        tasks.setdefault(task.prompt, task)
        if len(tasks) == count:
            return list(tasks.values())
        if drawn > 1000 * count:
            raise ValueError(f"the world has fewer than {count} held-out prompts")
    raise AssertionError("the stream of tasks is endless")
