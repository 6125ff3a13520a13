"""The world's tasks: the split is clean, and the checker agrees with the answers made."""

from __future__ import annotations

import itertools
import random
from collections import Counter

import pytest

from training.world import KINDS, corruption, held_out_tasks, is_correct, is_held_out, stream

TASKS = list(itertools.islice(stream(3, held_out=False), 3000))


def test_every_kind_occurs_in_both_languages() -> None:
    assert {(t.kind, t.language) for t in TASKS} == set(itertools.product(KINDS, ("en", "zh")))


def test_training_prompts_and_held_out_prompts_are_disjoint() -> None:
    held_out = {task.prompt for task in held_out_tasks(600)}
    training = {task.prompt for task in itertools.islice(stream(1, held_out=False), 30_000)}
    assert len(held_out) == 600
    assert not held_out & training


def test_about_a_tenth_is_held_out() -> None:
    prompts = {t.prompt for t in TASKS} | {t.prompt for t in held_out_tasks(200)}
    drawn = {f"{prompt} {i}" for prompt in prompts for i in range(5)}
    assert 0.08 < sum(map(is_held_out, drawn)) / len(drawn) < 0.12


def test_held_out_tasks_are_the_same_for_the_same_seed() -> None:
    first, again, other = ([task.prompt for task in held_out_tasks(50, seed)] for seed in (0, 0, 1))
    assert first == again != other


def test_held_out_tasks_refuse_more_than_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.world.stream", lambda seed, held_out: itertools.repeat(TASKS[0]))
    with pytest.raises(ValueError, match="fewer than 2"):
        held_out_tasks(2)


@pytest.mark.parametrize("kind", KINDS)
def test_made_answers_are_what_they_are_made_to_be(kind: str) -> None:
    for task in (t for t in TASKS if t.kind == kind):
        assert task.answer == task.answers[0]
        for answer in task.answers:
            assert is_correct(task, answer), (task.prompt, answer)
        for answer in task.wrong_answers:
            assert not is_correct(task, answer), (task.prompt, answer)


def test_answers_to_other_questions_are_wrong() -> None:
    rng = random.Random(0)
    for task, other in itertools.pairwise(TASKS):
        if task.kind != other.kind:
            answer = corruption.off_instruction(rng, task, other)
            assert not is_correct(task, answer.text), (task.prompt, answer.text)


def test_loops_and_cuts_are_hardly_ever_right() -> None:
    rng = random.Random(0)
    right: Counter[str] = Counter()
    for task in TASKS:
        for make in (corruption.loop, corruption.cut):
            answer = make(rng, task)
            right[answer.fault] += is_correct(task, answer.text)
    # A cut may happen to leave a whole bare value, e.g. "7 + 5 = 12".
    assert right["loop"] <= 0.002 * len(TASKS)
    assert right["cut"] <= 0.01 * len(TASKS)


def test_a_third_of_the_loops_never_ends() -> None:
    rng = random.Random(0)
    loops = [corruption.loop(rng, task) for task in TASKS]
    assert 0.28 < sum(not answer.ended for answer in loops) / len(loops) < 0.39
