"""A recorded run: candidates that were sampled, filtered and scored once, to be replayed.

Two sets of problems can be recorded: held-out prompts of the embedded pair, with its rewards, and
the questions of `benchmarks.questions` for a model of one's own, without a reward model.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from benchmarks.questions import LANGUAGES, examples, questions
from benchmarks.real_model import ENGINE_ARGS, ENVIRONMENT
from bestofn import Request
from bestofn.builders.choosing import build_selector
from bestofn.builders.pipeline import open_pipeline
from bestofn.cli.console import set_quiet
from bestofn.core.best_of_n import best_of_n
from bestofn.core.ranking import Ranking, ScoredCandidate
from bestofn.core.types import Candidate, Rejection
from bestofn.settings.sections import PolicySettings, SelectorSettings
from bestofn.settings.settings import Settings
from training.world import held_out_tasks, is_correct

CONCURRENT = 8
HELD_OUT_TOKENS = 200
"""Enough for every complete answer of the embedded pair's world; only loops are longer."""
AT_ONCE = 32
"""Prompts between which the record is written."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A prompt whose answers can be checked.

    Args:
        prompt: what is asked.
        kind: of problem, and its language.
        is_right: whether a text answers it.
        max_tokens: of an answer.
        before: the turns of a conversation before it, oldest first.
    """

    prompt: str
    kind: str
    is_right: Callable[[str], bool]
    max_tokens: int
    before: Sequence[Mapping[str, str]] = ()

    @property
    def messages(self) -> tuple[Mapping[str, str], ...]:
        """The conversation that it ends."""
        return (*self.before, {"role": "user", "content": self.prompt})


def held_out(count: int, seed: int) -> list[Problem]:
    """Prompts that the embedded pair was not trained on; right is `training.world.is_correct`."""
    return [
        Problem(
            task.prompt,
            f"{task.kind} {task.language}",
            partial(is_correct, task),
            HELD_OUT_TOKENS,
        )
        for task in held_out_tasks(count, seed)
    ]


def asked(count: int, languages: Sequence[str] = (), *, short: bool = False) -> list[Problem]:
    """The first of `benchmarks.questions`, behind their examples if `short`; 48 tokens are enough
    for what answers them."""
    return [
        Problem(
            each.prompt,
            f"{each.kind} {each.language}",
            each.is_right,
            48,
            examples(each.language) if short else (),
        )
        for each in questions(*languages)[:count]
    ]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A candidate of the recorded run; `suspected` and `rejected` are of its filters."""

    text: str
    finish_reason: str | None
    tokens: int | None
    suspected: bool
    rejected: bool
    reward: float | None
    mean_logprob: float | None
    right: bool

    @classmethod
    def of(cls, each: ScoredCandidate, problem: Problem) -> Recorded:
        """What is kept of a candidate."""
        return cls(
            each.text,
            each.candidate.finish_reason,
            each.candidate.completion_tokens,
            each.suspected,
            not each.kept,
            each.reward,
            each.candidate.mean_logprob,
            problem.is_right(each.text),
        )

    def candidate(self, index: int, *, scored: bool) -> ScoredCandidate:
        """It as a selector gets it, with its reward or without."""
        message = {"role": "assistant", "content": self.text}
        reason = Rejection("recorded", "recorded", "as recorded", certain=self.rejected)
        return ScoredCandidate(
            Candidate(
                index, message, self.finish_reason, self.tokens, mean_logprob=self.mean_logprob
            ),
            (reason,) if self.rejected or self.suspected else (),
            reward=self.reward if scored else None,
        )


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt with its candidates, in the order of their indices."""

    prompt: str
    kind: str
    candidates: tuple[Recorded, ...]


async def record(
    problems: Sequence[Problem], candidates: int, seed: int, settings: Settings, path: Path
) -> None:
    """Sample, filter and score, with logprobs, so that all selectors can be replayed; what is in
    the file already is not sampled again."""
    gate = asyncio.Semaphore(CONCURRENT)
    done = len(read(path))
    async with open_pipeline(settings) as pipeline:
        reading = replace(pipeline, selector=build_selector(SelectorSettings(name="confidence")))

        async def one(number: int) -> Prompt:
            problem = problems[number]
            request = Request(
                messages=problem.messages,
                best_of=candidates,
                temperature=1.0,
                max_tokens=problem.max_tokens,
                seed=seed + number * candidates,
            )
            async with gate:
                ranking: Ranking = await best_of_n(request, reading)
            in_order = sorted(ranking.candidates, key=lambda each: each.index)
            kept = tuple(Recorded.of(each, problem) for each in in_order)
            return Prompt(problem.prompt, problem.kind, kept)

        for first in range(done, len(problems), AT_ONCE):
            numbers = range(first, min(first + AT_ONCE, len(problems)))
            write(path, await asyncio.gather(*map(one, numbers)))


def write(path: Path, prompts: Sequence[Prompt]) -> None:
    """Append one line a prompt."""
    with gzip.open(path, "at", encoding="utf-8") as lines:
        lines.writelines(json.dumps(asdict(each), ensure_ascii=False) + "\n" for each in prompts)


def read(path: Path) -> list[Prompt]:
    """What `write` wrote so far."""
    if not path.is_file():
        return []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        Prompt(row["prompt"], row["kind"], tuple(Recorded(**each) for each in row["candidates"]))
        for row in rows
    ]


def has_rewards(prompts: Sequence[Prompt]) -> bool:
    """Whether a reward model scored."""
    return any(each.reward is not None for prompt in prompts for each in prompt.candidates)


@dataclass(frozen=True, slots=True)
class Run:
    """Which run: what is sampled of which model; two with equal fields are the same.

    Args:
        model: a folder; None: the embedded pair.
        prompts: how many, at most.
        candidates: of each.
        seed: of the first prompt's first candidate.
        engine: "auto", "vllm" or "transformers".
        languages: of the questions to a model of one's own; none: English and Chinese.
        examples: whether they stand behind examples.
    """

    model: Path | None
    prompts: int
    candidates: int
    seed: int
    engine: str
    languages: tuple[str, ...] = ()
    examples: bool = False

    @property
    def file(self) -> Path:
        """Where it is kept, unless it is told otherwise."""
        of = "embedded" if self.model is None else self.model.resolve().name
        of += "".join(f"-{each}" for each in self.languages)
        of += "-examples" if self.examples else ""
        named = f"bestofn-choosing-{of}-{self.prompts}-{self.candidates}-{self.seed}.gz"
        return Path(tempfile.gettempdir()) / named

    async def record(self, path: Path) -> None:
        """Sample what the file does not hold yet.

        Raises:
            SystemExit: it holds another run.
        """
        embedded = self.model is None
        if embedded:
            problems = held_out(self.prompts, self.seed)
        else:
            problems = asked(self.prompts, self.languages, short=self.examples)
        known = [each.prompt for each in read(path)][: len(problems)]
        if known != [each.prompt for each in problems][: len(known)]:
            raise SystemExit(f"{path} holds another run: --model and --seed say which it is")
        if len(known) == len(problems):
            return
        settings = Settings.load(
            engine=self.engine,
            model=None if embedded else str(self.model),
            reward_model=None if embedded else "none",
            engine_args=[] if embedded or self.engine == "transformers" else [*ENGINE_ARGS],
            policy=PolicySettings(on_exhausted="best_rejected", max_rounds=1),
        )
        os.environ.update({} if embedded else ENVIRONMENT)
        await record(problems, self.candidates, self.seed, settings, path)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The flags that say which run; see `of_options`."""
    parser.add_argument("--model", type=Path, help="a folder; default: the embedded pair")
    parser.add_argument("--prompts", type=int, default=300, help="at most")
    parser.add_argument("--candidates", type=int, help="of each (32; with --model 16)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--engine", choices=("auto", "vllm", "transformers"), default="auto")
    parser.add_argument(
        "--examples", action="store_true", help="questions of --model stand behind short examples"
    )
    parser.add_argument(
        "--languages", nargs="+", choices=LANGUAGES, help="of the questions of --model (en zh)"
    )
    parser.add_argument("--only", choices=LANGUAGES, help="only those of the run in this language")
    parser.add_argument("--record", type=Path, help="the file; it is gone on with")


def of_options(given: argparse.Namespace) -> list[Prompt]:
    """The run that the flags mean: read from its file, with what it lacks sampled before."""
    set_quiet()
    if (given.examples or given.languages) and given.model is None:
        raise SystemExit("--examples and --languages go with --model: the pair has its own prompts")
    candidates = given.candidates or (32 if given.model is None else 16)
    run = Run(
        given.model,
        given.prompts,
        candidates,
        given.seed,
        given.engine,
        tuple(given.languages or ()),
        given.examples,
    )
    path = given.record or run.file
    asyncio.run(run.record(path))
    print(f"recorded in {path}")
    return [each for each in read(path) if given.only in (None, each.kind.split()[-1])]
