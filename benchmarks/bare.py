"""A reward model as transformers has it: the bare scoring of other benchmarks."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from bestofn import embedded


@dataclass(frozen=True, slots=True)
class BareRewardModel:
    """The model in float32 and its tokenizer; make it with `load`."""

    model: Any
    tokenizer: Any

    @classmethod
    def load(cls, path: Path | None = None) -> BareRewardModel:
        """Both from a folder; None: the embedded one."""
        path = path or embedded.reward_path()
        model = AutoModelForSequenceClassification.from_pretrained(path, dtype=torch.float32)
        return cls(model.eval(), AutoTokenizer.from_pretrained(path))

    def score(self, pairs: Iterable[tuple[str, str]]) -> float:
        """Seconds for one unpadded forward per prompt and answer; their ids are made beforehand."""
        inputs = [self._ids(prompt, answer) for prompt, answer in pairs]
        started = time.perf_counter()
        with torch.inference_mode():
            for ids in inputs:
                self.model(ids, use_cache=False)
        return time.perf_counter() - started

    def _ids(self, prompt: str, answer: str) -> torch.Tensor:
        said = [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]
        text = self.tokenizer.apply_chat_template(said, tokenize=False)
        ids: torch.Tensor = self.tokenizer(
            text, add_special_tokens=False, return_tensors="pt"
        ).input_ids
        return ids
