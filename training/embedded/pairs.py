"""Groups of better and worse answers that the reward model learns from."""

from __future__ import annotations

import itertools
import random
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from training.embedded.chat import EOS, conversation, render
from training.world import Task, corruption, is_correct, stream
from training.world.corruption import Answer

# Besides wrong values each made group holds other faults, drawn so. "near" is a faultless answer
# to another question of the same kind: another number, another person.
OTHER_FAULTS = 2
FAULTS = {"near": 0.35, "garbled": 0.3, "cut": 0.2, "loop": 0.07, "off_instruction": 0.08}


@dataclass(frozen=True, slots=True)
class Group:
    """Rendered answers to one conversation: every better one is to score above every worse one."""

    prompt: str
    better: tuple[str, ...]
    worse: tuple[str, ...]


def made_group(rng: random.Random, task: Task, others: Sequence[Task]) -> Group:
    """Two right answers against the same phrasings with wrong values and against other faults.

    One group in ten sets a complete wrong answer above broken ones instead, so that what is left
    when nothing is right is still ordered. `others` are tasks to take foreign answers from.
    """
    if rng.random() < 0.1:
        better = [corruption.wrong(rng, task)]
        worse = [_cropped(rng, corruption.loop(rng, task)), corruption.cut(rng, task)]
    else:
        phrasings = rng.sample(range(len(task.answers)), 2)
        better = [Answer(task.answers[i], True, "none") for i in phrasings]
        worse = [Answer(task.wrong_answers[i], True, "wrong") for i in phrasings]
        faulty = [_faulty(rng, task, others) for _ in range(OTHER_FAULTS)]
        # By chance a fault may leave a right answer.
        worse += [a for a in faulty if not (a.ended and is_correct(task, a.text))]
    return _group(conversation(rng, task, rng.choice(others)), better, worse)


def sampled_group(rng: random.Random, task: Task, answers: Sequence[Answer]) -> Group | None:
    """A group from the generator's own answers; None where they are all right or all wrong."""
    better = [a for a in answers if a.fault == "none"][:2]
    worse = [a for a in answers if a.fault != "none"][:4]
    if not better or not worse:
        return None
    return _group(conversation(rng, task, task), better, worse)


def _faulty(rng: random.Random, task: Task, others: Sequence[Task]) -> Answer:
    (fault,) = rng.choices(list(FAULTS), list(FAULTS.values()))
    if fault == "loop":
        return _cropped(rng, corruption.loop(rng, task))
    if fault == "cut":
        return corruption.cut(rng, task)
    other = rng.choice(others)
    if fault == "near":
        alike = [o for o in others if (o.kind, o.language) == (task.kind, task.language)]
        other = rng.choice(alike or others)
    if fault == "garbled":
        return corruption.garbled(rng, task, other)
    return corruption.off_instruction(rng, task, other)


def _cropped(rng: random.Random, answer: Answer) -> Answer:
    """A limit may stop an endless loop anywhere; an answer with an end stays as it is."""
    if answer.ended:
        return answer
    return replace(answer, text=answer.text[: rng.randint(40, len(answer.text))])


def _group(
    messages: list[tuple[str, str]], better: Sequence[Answer], worse: Sequence[Answer]
) -> Group:
    def texts(answers: Sequence[Answer]) -> tuple[str, ...]:
        # A limit may stop a model before its first token, but never after it without a text.
        return tuple(a.text + (EOS if a.ended else "") for a in answers if a.text or a.ended)

    return Group(render(messages, "", ended=False), texts(better), texts(worse))


def all_groups(
    sampled: Sequence[tuple[Task, Sequence[Answer]]],
    groups: int,
    rng: random.Random,
) -> Iterator[Group]:
    """`groups` groups in all: each of `sampled` once, spread evenly among made ones.

    Samples of a task that are all right or all wrong make no group.
    """
    tasks = stream(rng.randrange(2**32), held_out=False)
    real = [g for task, answers in sampled if (g := sampled_group(rng, task, answers))]
    rng.shuffle(real)
    share = min(1.0, len(real) / groups)
    recent = deque(itertools.islice(tasks, 100), maxlen=100)
    for i in range(groups):
        if int((i + 1) * share) > int(i * share):
            yield real[int(i * share)]
        else:
            task = next(tasks)
            yield made_group(rng, task, recent)
            recent.append(task)
