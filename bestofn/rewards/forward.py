"""Owns the forward pass: ids to rewards, read where each text really ends."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from bestofn.rewards.padding import pad_right, plan


class Reader(Protocol):
    """Token ids to raw rewards; runs on the worker thread only."""

    def plan(self, sequences: Sequence[Sequence[int]], max_tokens: int) -> list[list[int]]:
        """Which of the texts share a forward: every one once, the largest forwards first."""
        ...

    def __call__(self, sequences: Sequence[Sequence[int]]) -> list[float]:
        """One raw reward per sequence, in the order given, out of one forward.

        On a GPU out of memory the batch is halved until it fits.
        """
        ...


class LastTokenReader:
    """A causal trunk with a head: the reward is the head's output at the last real token.

    Padding is on the right, so real tokens keep their positions and never see it. The place is
    known from the length, not searched by pad id: a text may end in a token that is also the pad.
    The head works in float32, whatever the trunk's type: half precision would round rewards to
    steps of up to 0.125 around 16 to 32 (bfloat16 has 8 significant bits).

    Args:
        trunk: ids to `last_hidden_state`, (batch, length, hidden).
        head: hidden to one number.
    """

    def __init__(self, trunk: nn.Module, head: nn.Linear) -> None:
        self._trunk = trunk
        self._head = head.float()
        taken = inspect.signature(trunk.forward).parameters
        self._takes_positions = "position_ids" in taken
        self._options = {"use_cache": False} if "use_cache" in taken else {}

    def plan(self, sequences: Sequence[Sequence[int]], max_tokens: int) -> list[list[int]]:
        """See `Reader`; padding counts."""
        return plan([len(ids) for ids in sequences], max_tokens)

    def __call__(self, sequences: Sequence[Sequence[int]]) -> list[float]:
        """See `Reader`."""
        return halving(self._read, sequences)

    @torch.inference_mode()
    def _read(self, sequences: Sequence[Sequence[int]]) -> list[float]:
        device = self._head.weight.device
        inputs = pad_right(sequences, device)
        if self._takes_positions and "attention_mask" in inputs:
            rows, width = inputs["input_ids"].shape
            inputs["position_ids"] = torch.arange(width, device=device).expand(rows, width)
        hidden = self._trunk(**inputs, **self._options).last_hidden_state
        last = torch.tensor([len(ids) - 1 for ids in sequences], device=device)
        at_end = hidden[torch.arange(len(sequences), device=device), last]
        rewards: list[float] = self._head(at_end.float())[:, 0].tolist()
        return rewards


class WholeModelReader:
    """A model that makes its own number of the text: encoders, and code that came with a folder.

    Args:
        model: ids to a tensor, or to an output with `logits`, of shape (batch,) or (batch, 1).
        pads: whether its own reading is known to heed the attention mask.
    """

    def __init__(self, model: nn.Module, *, pads: bool) -> None:
        self._model = model
        self._pads = pads
        self._device = next(model.parameters()).device

    def plan(self, sequences: Sequence[Sequence[int]], max_tokens: int) -> list[list[int]]:
        """See `Reader`; padding counts."""
        return plan([len(ids) for ids in sequences], max_tokens, pads=self._pads)

    def __call__(self, sequences: Sequence[Sequence[int]]) -> list[float]:
        """See `Reader`."""
        return halving(self._read, sequences)

    @torch.inference_mode()
    def _read(self, sequences: Sequence[Sequence[int]]) -> list[float]:
        inputs = pad_right(sequences, self._device)
        inputs.setdefault("attention_mask", torch.ones_like(inputs["input_ids"]))
        output: Any = self._model(**inputs)
        scores = output if isinstance(output, Tensor) else output.logits
        rewards: list[float] = scores.float().reshape(len(sequences), 1)[:, 0].tolist()
        return rewards


def halving(read: Any, sequences: Sequence[Sequence[int]]) -> list[float]:
    """`read` of the texts; on a GPU out of memory, of halves of them until they fit."""
    try:
        rewards: list[float] = read(sequences)
    except torch.OutOfMemoryError:
        if len(sequences) == 1:
            raise
    else:
        return rewards
    torch.cuda.empty_cache()  # outside the except block, where the traceback still holds tensors
    half = len(sequences) // 2
    return halving(read, sequences[:half]) + halving(read, sequences[half:])
