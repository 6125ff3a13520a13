"""Makes both embedded models from nothing, as `bestofn/embedded/README.md` describes."""

from __future__ import annotations

import argparse
import itertools
import logging
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import (
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    PreTrainedTokenizerFast,
)
from transformers.utils import logging as transformers_logging

from training.embedded.architecture import new_language_model, reward_model_from
from training.embedded.language_model import Answering, clean, mixed, train_language_model
from training.embedded.optimisation import keep_memory
from training.embedded.reward import train_reward_model
from training.embedded.sampling import sample_answers
from training.embedded.saving import save
from training.embedded.tokenizer import train_tokenizer
from training.world import Task, stream
from training.world.corruption import Answer

_LOG = logging.getLogger("training.embedded")


@dataclass(frozen=True, slots=True)
class Stage:
    """How much one stage trains.

    Args:
        size: documents of a language model, groups of a reward model.
        rate: the learning rate at its highest.
        seed: added to the run's.
    """

    size: int
    rate: float
    seed: int


# Sizes of the stages, chosen so that the whole run takes about three quarters of an hour on one
# core, and the rates that learnt fastest among a few that were tried.
CLEAN = Stage(size=90_000, rate=8e-3, seed=1)
MIXED = Stage(size=70_000, rate=7e-3, seed=2)
RECALLING = Stage(size=24_000, rate=4e-3, seed=6)
MADE = Stage(size=30_000, rate=2e-2, seed=4)
REAL = Stage(size=8_000, rate=1e-2, seed=5)
SAMPLED_TASKS, SAMPLES_PER_TASK, SAMPLING_SEED = 3_000, 6, 3
TOKENS_PER_STEP = 2_048
GROUPS_PER_STEP = 12


def main() -> None:
    """Make both models under ``--output`` (default: where the package looks for them)."""
    parser = argparse.ArgumentParser(prog="python -m training.embedded", description=__doc__)
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).parents[2] / "bestofn" / "embedded"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (default 1)")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="multiplies the size of every stage; 0.01 tries it"
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    keep_memory()
    torch.set_num_threads(arguments.threads)
    torch.use_deterministic_algorithms(True)
    started = time.monotonic()
    train(arguments.output, arguments.seed, arguments.scale)
    _LOG.info("done in %.1f minutes", (time.monotonic() - started) / 60)


def train(output: Path, seed: int, scale: float) -> None:
    """Write ``output/generator`` and ``output/reward``, the same ones for the same seed and torch.

    Stages: the tokenizer; a language model on right answers; from it the generator, on a mix of
    right and faulty answers; the language model again, so that it recalls what it reads; from it
    the reward model, on pairs with made corruptions, then on pairs with the generator's answers.
    `scale` multiplies the size of each.
    """
    torch.manual_seed(seed)
    tokenizer = train_tokenizer(seed)
    _LOG.info("tokenizer: %d tokens", len(tokenizer))

    def learn(model: LlamaForCausalLM, answering: Answering, stage: Stage) -> None:
        train_language_model(
            model,
            tokenizer,
            answering,
            documents=int(stage.size * scale),
            tokens_per_step=TOKENS_PER_STEP,
            rate=stage.rate,
            recalling=stage is RECALLING,
            seed=seed + stage.seed,
            report=_LOG.info,
        )

    def judge(
        model: LlamaForSequenceClassification,
        sampled: Sequence[tuple[Task, Sequence[Answer]]],
        stage: Stage,
    ) -> None:
        train_reward_model(
            model,
            tokenizer,
            sampled,
            groups=int(stage.size * scale),
            groups_per_step=GROUPS_PER_STEP,
            rate=stage.rate,
            seed=seed + stage.seed,
            report=_LOG.info,
        )

    language_model = new_language_model(tokenizer)
    _LOG.info("language model: %d parameters, on right answers", language_model.num_parameters())
    learn(language_model, clean, CLEAN)

    _LOG.info("generator, on mixed answers")
    generator = new_language_model(tokenizer)
    generator.load_state_dict(language_model.state_dict())
    learn(generator, mixed, MIXED)
    save(generator, tokenizer, output / "generator")

    _LOG.info("language model, to recall what it reads")
    learn(language_model, clean, RECALLING)

    torch.manual_seed(seed)
    reward = reward_model_from(language_model)
    _LOG.info("reward model: %d parameters, on made corruptions", reward.num_parameters())
    judge(reward, [], MADE)
    sampled = _answers_of(generator, tokenizer, seed + SAMPLING_SEED, int(SAMPLED_TASKS * scale))
    _LOG.info("reward model, on the generator's own answers too")
    judge(reward, sampled, REAL)
    save(reward, tokenizer, output / "reward")


def _answers_of(
    generator: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, seed: int, count: int
) -> list[tuple[Task, list[Answer]]]:
    torch.manual_seed(seed)
    drawn = itertools.islice(stream(seed, held_out=False), count)
    tasks = list({task.prompt: task for task in drawn}.values())
    answers = sample_answers(generator, tokenizer, tasks, SAMPLES_PER_TASK)
    flat = list(itertools.chain(*answers))
    right = sum(answer.fault == "none" for answer in flat) / max(1, len(flat))
    _LOG.info("sampled %d answers of the generator, %.1f%% right", len(flat), 100 * right)
    paired = list(zip(tasks, answers, strict=True))
    random.Random(seed).shuffle(paired)
    return paired


if __name__ == "__main__":
    main()
