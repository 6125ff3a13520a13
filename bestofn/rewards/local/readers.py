"""Readers: the forward pass, token ids to what the head says at the positions of each text.

reader = PaddedReader(trunk, Head(nn.Linear(hidden, 1)))
for batch in reader.plan(texts, max_tokens=8192):      # which texts share a forward
    readings = reader(batch)                           # Reading(values, tokens) of each
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from bestofn.rewards.local.batch import Batch
from bestofn.rewards.local.padding import pad_right, padded_batches
from bestofn.rewards.local.shared_prefixes import Ids
from bestofn.rewards.text.positions import Positions, last_token, or_every_token


@dataclass(frozen=True, slots=True)
class Reading:
    """What a forward found in one text.

    Args:
        values: what the head says, one for each position, in order.
        tokens: computed for it; of what several texts share, the first has the count.
    """

    values: tuple[float, ...]
    tokens: int


@dataclass(frozen=True, slots=True)
class Head:
    """Where a causal model is read, and what makes a number of its state there.

    Args:
        module: (positions, hidden) in float32 to (positions,) or (positions, 1). It works in
            float32, whatever the trunk's type: half precision would round rewards to steps of up to
            0.125 around 16 to 32 (bfloat16 has 8 significant bits).
        positions: of a text; each text that is read has one at least. An `EveryToken` is read at
            all of them.
    """

    module: nn.Module
    positions: Positions = last_token

    def __post_init__(self) -> None:
        object.__setattr__(self, "positions", or_every_token(self.positions))

    def values(self, states: Tensor, counts: Sequence[int]) -> list[tuple[float, ...]]:
        """The head's numbers at `states` (all positions, hidden), of which each text has
        `counts`."""
        flat: list[float] = self.module(states.float()).reshape(-1).tolist()
        ends = list(itertools.accumulate(counts))
        return [tuple(flat[end - count : end]) for end, count in zip(ends, counts, strict=True)]


class Reader(Protocol):
    """Token ids to readings; runs on the worker thread only."""

    @property
    def model(self) -> nn.Module:
        """What goes forward."""
        ...

    def plan(self, texts: Sequence[Ids], max_tokens: int) -> list[Batch]:
        """Which of the texts share a forward of at most `max_tokens` tokens: every one once, the
        largest forwards first; a longer text goes alone."""
        ...

    def __call__(self, texts: Sequence[Ids]) -> list[Reading]:
        """One reading per text, in the order given, out of one forward: of a `Batch` as it was
        planned, or of texts that are all to share one.

        Raises:
            torch.OutOfMemoryError: they do not fit together.
        """
        ...

    def release(self) -> bool:
        """Free what is kept between forwards; whether there was anything."""
        ...


class PaddedReader:
    """A causal trunk with a head, over padded batches.

    Padding is on the right, so real tokens keep their positions and never see it.

    Args:
        trunk: ids to `last_hidden_state`, (batch, length, hidden).
        head: where and by what it is read.
    """

    def __init__(self, trunk: nn.Module, head: Head) -> None:
        self.model = trunk
        self._head = head
        taken = inspect.signature(trunk.forward).parameters
        self._takes_positions = "position_ids" in taken
        self._options = {"use_cache": False} if "use_cache" in taken else {}

    def plan(self, texts: Sequence[Ids], max_tokens: int) -> list[Batch]:
        """See `Reader`; padding counts."""
        return padded_batches(texts, max_tokens)

    def release(self) -> bool:
        """See `Reader`; nothing is kept."""
        return False

    @torch.inference_mode()
    def __call__(self, texts: Sequence[Ids]) -> list[Reading]:
        """See `Reader`."""
        device = next(self.model.parameters()).device
        inputs = pad_right(texts, device)
        if self._takes_positions and "attention_mask" in inputs:
            rows, width = inputs["input_ids"].shape
            inputs["position_ids"] = torch.arange(width, device=device).expand(rows, width)
        hidden = self.model(**inputs, **self._options).last_hidden_state
        positions = [self._head.positions(ids) for ids in texts]
        rows_of = [row for row, reads in enumerate(positions) for _ in reads]
        columns = [at for reads in positions for at in reads]
        states = hidden[torch.tensor(rows_of, device=device), torch.tensor(columns, device=device)]
        values = self._head.values(states, [len(reads) for reads in positions])
        return [Reading(v, len(ids)) for v, ids in zip(values, texts, strict=True)]


class WholeModelReader:
    """A model that makes its own number of the text: encoders, and code that came with a folder.

    Args:
        model: ids to a tensor, or to an output with `logits`, of shape (batch,) or (batch, 1).
        pads: whether its own reading is known to heed the attention mask.
        output: the output's field that holds the number.
    """

    def __init__(self, model: nn.Module, *, pads: bool, output: str = "logits") -> None:
        self.model = model
        self._pads = pads
        self._output = output
        self._device = next(model.parameters()).device

    def plan(self, texts: Sequence[Ids], max_tokens: int) -> list[Batch]:
        """See `Reader`; padding counts."""
        return padded_batches(texts, max_tokens, pads=self._pads)

    def release(self) -> bool:
        """See `Reader`; nothing is kept."""
        return False

    @torch.inference_mode()
    def __call__(self, texts: Sequence[Ids]) -> list[Reading]:
        """See `Reader`."""
        inputs = pad_right(texts, self._device)
        inputs.setdefault("attention_mask", torch.ones_like(inputs["input_ids"]))
        output: Any = self.model(**inputs)
        scores = output if isinstance(output, Tensor) else getattr(output, self._output)
        values: list[float] = scores.float().reshape(len(texts), 1)[:, 0].tolist()
        return [Reading((v,), len(ids)) for v, ids in zip(values, texts, strict=True)]
