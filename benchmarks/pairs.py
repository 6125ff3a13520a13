"""The pair of models that a benchmark runs on: the embedded one, or a real small model.

    python -m benchmarks.real_model --output FOLDER
    python -m benchmarks.overhead --model FOLDER --rounds 3

Beside a real model the reward model is its own trunk with a head of random weights: it costs what
a trained one of that size does, and its rewards mean nothing. It is written next to the model's
folder once.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bestofn import Settings, embedded
from bestofn.builders.generator import EMBEDDED_ENVIRONMENT, embedded_engine_args

MAX_TOKENS = 32
"""Of an answer of a real model, so that a round takes seconds on a CPU."""

REAL_ENGINE_ARGS = (
    "--dtype=float32",
    "--enforce-eager",
    "--block-size=32",
    "--max-model-len=1024",
    "--max-num-seqs=128",
    "--max-num-batched-tokens=2048",
    f"--kv-cache-memory-bytes={3 * 2**29}",
    "--gpu-memory-utilization=0.1",
)
"""As the embedded model's, with room for 32,000 tokens of SmolLM2-135M. By itself vLLM would take
its float32 for bfloat16, for which many a CPU has no instructions."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What samples and what scores.

    Args:
        model: the folder of what samples; None: the embedded pair.
    """

    model: Path | None = None

    @property
    def generator(self) -> Path:
        """The folder of what samples."""
        return self.model or embedded.generator_path()

    @property
    def max_tokens(self) -> int | None:
        """Of an answer; None: the model's own limit."""
        return None if self.model is None else MAX_TOKENS

    @property
    def warm_up(self) -> int:
        """Rounds that warm up caches and threads, and do not count."""
        return 2 if self.model is None else 1

    @property
    def engine_args(self) -> Sequence[str]:
        """vLLM's flags for what samples."""
        return embedded_engine_args() if self.model is None else REAL_ENGINE_ARGS

    @property
    def environment(self) -> dict[str, str]:
        """Variables of vLLM's process."""
        return dict(EMBEDDED_ENVIRONMENT) if self.model is None else {}

    def reward(self) -> Path:
        """The folder of what scores, made where it is not there."""
        if self.model is None:
            return embedded.reward_path()
        folder = self.model.with_name(f"{self.model.name}-random-reward")
        if not (folder / "model.safetensors").is_file():
            write_random_reward(self.model, folder)
        return folder

    def settings(self, *, scoring: bool = True, **further: Any) -> Settings:
        """Both on vLLM and transformers; one round, so that all that is compared does the same.

        Args:
            scoring: whether there is a reward model.
            further: settings that stand beside.
        """
        named: dict[str, Any] = {"reward_model": None if scoring else "none"}
        if self.model is not None:
            named = {
                "model": str(self.model),
                "reward_model": str(self.reward()) if scoring else "none",
                "engine_args": list(self.engine_args),
                "max_tokens": MAX_TOKENS,
            }
        policy = {"on_exhausted": "best_rejected"}
        return Settings.load(engine="vllm", policy=policy, **{**named, **further})

    def serve_flags(self) -> Sequence[str]:
        """Of `bestofn serve`; they end where its port may follow."""
        if self.model is None:
            return []
        written = self.model.with_name(f"{self.model.name}-serve.yaml")
        written.write_text(yaml.safe_dump({"engine_args": list(self.engine_args)}))
        return [str(self.model), f"--reward-model={self.reward()}", f"--config={written}"]


def write_random_reward(model: Path, folder: Path) -> None:
    """A sequence classifier on the model's trunk, whose head is random (the seed is fixed)."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    torch.manual_seed(0)
    made: Any = AutoModelForSequenceClassification.from_pretrained(
        model, num_labels=1, dtype=torch.float32
    )
    torch.nn.init.normal_(made.score.weight, std=made.config.hidden_size**-0.5)
    AutoTokenizer.from_pretrained(model).save_pretrained(folder)
    made.save_pretrained(folder)


def add_model_flag(parser: argparse.ArgumentParser) -> None:
    """`--model FOLDER`."""
    parser.add_argument(
        "--model", type=Path, help="folder of a real model, instead of the embedded pair"
    )
