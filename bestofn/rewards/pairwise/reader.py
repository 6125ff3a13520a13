"""Forward pass of a pairwise ranker: a source and two candidates to a margin.

PairRM's model (LLM-Blender, arXiv 2306.02561, and its `DebertaV2PairRM`) is a DeBERTa-v2 trunk
whose last states at three marks are read: one head scores (source, candidate 1) and (source,
candidate 2), and the margin is the difference of the two, averaged where it has several outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import DebertaV2Config, DebertaV2Model, DebertaV2PreTrainedModel

from bestofn.rewards.local.batch import Batch
from bestofn.rewards.local.padding import pad_right, padded_batches
from bestofn.rewards.local.readers import Reading
from bestofn.rewards.local.shared_prefixes import Ids


class PairModel(DebertaV2PreTrainedModel):  # type: ignore[no-untyped-call]
    """Trunk and head, with the names that their weights have in the checkpoint.

    Dropout is left out: it stands at indices 0 and 3 of the head.
    """

    base_model_prefix = "pretrained_model"

    def __init__(self, config: DebertaV2Config) -> None:
        super().__init__(config)
        width = config.hidden_size
        self.pretrained_model = DebertaV2Model(config)  # type: ignore[no-untyped-call]
        self.head_layer = nn.Sequential(
            nn.Identity(),
            nn.Linear(2 * width, width),
            nn.Tanh(),
            nn.Identity(),
            nn.Linear(width, getattr(config, "n_tasks", 1)),
        )
        self.post_init()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Marks:
    """The ids of the tokens that a pair is read at, each exactly once in it."""

    source: int
    first: int
    second: int

    def positions(self, ids: Ids) -> tuple[int, int, int]:
        """Where they stand."""
        return ids.index(self.source), ids.index(self.first), ids.index(self.second)


class PairReader:
    """Ids of pairs to margins; a `bestofn.rewards.local.readers.Reader`.

    Args:
        model: trunk and head; the head works in float32, whatever the trunk's type.
        marks: where a pair is read.
    """

    def __init__(self, model: PairModel, marks: Marks) -> None:
        self._trunk = model.pretrained_model
        self._head = model.head_layer.float()
        self._marks = marks

    def plan(self, texts: Sequence[Ids], max_tokens: int) -> list[Batch]:
        """See `Reader`; padding counts."""
        return padded_batches(texts, max_tokens)

    def release(self) -> bool:
        """See `Reader`; nothing is kept."""
        return False

    @torch.inference_mode()
    def __call__(self, texts: Sequence[Ids]) -> list[Reading]:
        """See `Reader`; the one value is above 0 where the first candidate is better."""
        inputs = pad_right(texts, next(self._trunk.parameters()).device)
        states: Tensor = self._trunk(**inputs).last_hidden_state
        positions = torch.tensor(
            [self._marks.positions(ids) for ids in texts], device=states.device
        )
        rows = torch.arange(len(texts), device=states.device)[:, None]
        source, first, second = states[rows, positions].float().unbind(1)
        scores: Any = [self._head(torch.cat([source, each], -1)) for each in (first, second)]
        margins: list[float] = (scores[0] - scores[1]).mean(-1).tolist()
        return [Reading((m,), len(ids)) for m, ids in zip(margins, texts, strict=True)]
