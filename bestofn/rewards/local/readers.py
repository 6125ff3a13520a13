"""Owns the forward pass: ids to what the head says, at the places where a text is read."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from bestofn.rewards.local.padding import pad_right, plan

Places = Callable[[Sequence[int]], Sequence[int]]
"""Ids of a text to the positions where it is read, ascending; none where it cannot be read."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a forward found in one text.

    Args:
        values: what the head says, one for each place, in order.
        tokens: computed for it; of what several texts share, the first has the count.
    """

    values: tuple[float, ...]
    tokens: int


def last_token(ids: Sequence[int]) -> Sequence[int]:
    """The one place of an outcome reward. It is known from the length, not searched by pad id: a
    text may end in a token that is also the pad."""
    return (len(ids) - 1,)


@dataclass(frozen=True, slots=True)
class Readout:
    """Where a causal model is read, and what makes a number of its state there.

    Args:
        head: (places, hidden) in float32 to (places,) or (places, 1). It works in float32, whatever
            the trunk's type: half precision would round rewards to steps of up to 0.125 around 16
            to 32 (bfloat16 has 8 significant bits).
        places: of a text; each text that is read has one at least.
    """

    head: nn.Module
    places: Places = last_token

    def values(self, states: Tensor, counts: Sequence[int]) -> list[tuple[float, ...]]:
        """The head's numbers at `states` (all places, hidden), of which each text has `counts`."""
        flat: list[float] = self.head(states.float()).reshape(-1).tolist()
        ends = list(itertools.accumulate(counts))
        return [tuple(flat[end - count : end]) for end, count in zip(ends, counts, strict=True)]


class Reader(Protocol):
    """Token ids to readings; runs on the worker thread only."""

    @property
    def model(self) -> nn.Module:
        """What goes forward."""
        ...

    def plan(self, sequences: Sequence[Sequence[int]], max_tokens: int) -> list[list[int]]:
        """Which of the texts share a forward: every one once, the largest forwards first."""
        ...

    def __call__(self, sequences: Sequence[Sequence[int]]) -> list[Reading]:
        """One reading per sequence, in the order given, out of one forward.

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
        readout: where it is read.
    """

    def __init__(self, trunk: nn.Module, readout: Readout) -> None:
        self.model = trunk
        self._readout = readout
        taken = inspect.signature(trunk.forward).parameters
        self._takes_positions = "position_ids" in taken
        self._options = {"use_cache": False} if "use_cache" in taken else {}

    def plan(self, sequences: Sequence[Sequence[int]], max_tokens: int) -> list[list[int]]:
        """See `Reader`; padding counts."""
        return plan([len(ids) for ids in sequences], max_tokens)

    def release(self) -> bool:
        """See `Reader`; nothing is kept."""
        return False

    @torch.inference_mode()
    def __call__(self, sequences: Sequence[Sequence[int]]) -> list[Reading]:
        """See `Reader`."""
        device = next(self.model.parameters()).device
        inputs = pad_right(sequences, device)
        if self._takes_positions and "attention_mask" in inputs:
            rows, width = inputs["input_ids"].shape
            inputs["position_ids"] = torch.arange(width, device=device).expand(rows, width)
        hidden = self.model(**inputs, **self._options).last_hidden_state
        places = [self._readout.places(ids) for ids in sequences]
        rows_of = [row for row, at in enumerate(places) for _ in at]
        columns = [place for at in places for place in at]
        states = hidden[torch.tensor(rows_of, device=device), torch.tensor(columns, device=device)]
        values = self._readout.values(states, [len(at) for at in places])
        return [Reading(v, len(ids)) for v, ids in zip(values, sequences, strict=True)]


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

    def plan(self, sequences: Sequence[Sequence[int]], max_tokens: int) -> list[list[int]]:
        """See `Reader`; padding counts."""
        return plan([len(ids) for ids in sequences], max_tokens, pads=self._pads)

    def release(self) -> bool:
        """See `Reader`; nothing is kept."""
        return False

    @torch.inference_mode()
    def __call__(self, sequences: Sequence[Sequence[int]]) -> list[Reading]:
        """See `Reader`."""
        inputs = pad_right(sequences, self._device)
        inputs.setdefault("attention_mask", torch.ones_like(inputs["input_ids"]))
        output: Any = self.model(**inputs)
        scores = output if isinstance(output, Tensor) else getattr(output, self._output)
        values: list[float] = scores.float().reshape(len(sequences), 1)[:, 0].tolist()
        return [Reading((v,), len(ids)) for v, ids in zip(values, sequences, strict=True)]
