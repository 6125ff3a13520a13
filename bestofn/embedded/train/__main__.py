"""Owns the run that makes both embedded models from nothing: see the package's README."""

from __future__ import annotations

import argparse
import itertools
import logging
import random
import time
from pathlib import Path

import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

from bestofn.embedded.train.architecture import new_language_model, reward_model_from
from bestofn.embedded.train.language_model import clean, mixed, train_language_model
from bestofn.embedded.train.optimisation import keep_memory
from bestofn.embedded.train.reward import train_reward_model
from bestofn.embedded.train.sampling import sample_answers
from bestofn.embedded.train.saving import save
from bestofn.embedded.train.tokenizer import train_tokenizer
from bestofn.embedded.world import Task, stream
from bestofn.embedded.world.corruption import Answer

# Sizes of the stages, chosen so that the whole run takes about three quarters of an hour on one
# core, and the rates that learnt fastest among a few that were tried.
CLEAN_DOCUMENTS, CLEAN_RATE = 90_000, 8e-3
RECALLED_DOCUMENTS, RECALLED_RATE = 24_000, 4e-3
MIXED_DOCUMENTS, MIXED_RATE = 70_000, 7e-3
SAMPLED_TASKS, SAMPLES_PER_TASK = 3_000, 6
MADE_GROUPS, MADE_RATE = 30_000, 2e-2
REAL_GROUPS, REAL_RATE = 8_000, 1e-2
TOKENS_PER_STEP = 2_048
GROUPS_PER_STEP = 12

_LOG = logging.getLogger("bestofn.embedded.train")


def main() -> None:
    """Make both models under ``--output`` (default: where the package looks for them)."""
    parser = argparse.ArgumentParser(prog="python -m bestofn.embedded.train", description=__doc__)
    parser.add_argument("--output", type=Path, default=Path(__file__).parents[1])
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

    language_model = new_language_model(tokenizer)
    _LOG.info("language model: %d parameters, on right answers", language_model.num_parameters())
    train_language_model(
        language_model,
        tokenizer,
        clean,
        documents=int(CLEAN_DOCUMENTS * scale),
        tokens_per_step=TOKENS_PER_STEP,
        rate=CLEAN_RATE,
        recalling=False,
        seed=seed + 1,
        report=_LOG.info,
    )

    _LOG.info("generator, on mixed answers")
    generator = new_language_model(tokenizer)
    generator.load_state_dict(language_model.state_dict())
    train_language_model(
        generator,
        tokenizer,
        mixed,
        documents=int(MIXED_DOCUMENTS * scale),
        tokens_per_step=TOKENS_PER_STEP,
        rate=MIXED_RATE,
        recalling=False,
        seed=seed + 2,
        report=_LOG.info,
    )
    save(generator, tokenizer, output / "generator")

    _LOG.info("language model, to recall what it reads")
    train_language_model(
        language_model,
        tokenizer,
        clean,
        documents=int(RECALLED_DOCUMENTS * scale),
        tokens_per_step=TOKENS_PER_STEP,
        rate=RECALLED_RATE,
        recalling=True,
        seed=seed + 6,
        report=_LOG.info,
    )
    torch.manual_seed(seed)
    reward = reward_model_from(language_model)
    _LOG.info("reward model: %d parameters, on made corruptions", reward.num_parameters())
    train_reward_model(
        reward,
        tokenizer,
        [],
        groups=int(MADE_GROUPS * scale),
        groups_per_step=GROUPS_PER_STEP,
        rate=MADE_RATE,
        seed=seed + 4,
        report=_LOG.info,
    )
    sampled = _answers_of(generator, tokenizer, seed + 3, int(SAMPLED_TASKS * scale))
    _LOG.info("reward model, on the generator's own answers too")
    train_reward_model(
        reward,
        tokenizer,
        sampled,
        groups=int(REAL_GROUPS * scale),
        groups_per_step=GROUPS_PER_STEP,
        rate=REAL_RATE,
        seed=seed + 5,
        report=_LOG.info,
    )
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
