"""Heads beyond one linear layer: standardised, negated, the probability of a label."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Standardised(nn.Module):
    """(value - mean) / std of a head's value."""

    def __init__(self, head: nn.Module, mean: float, std: float) -> None:
        super().__init__()
        self.head = head
        self.mean = mean
        self.std = std

    def forward(self, states: Tensor) -> Tensor:
        """States (..., hidden) to (..., 1)."""
        value: Tensor = self.head(states)
        return (value - self.mean) / self.std


class Negated(nn.Module):
    """What a head says of harm, as a reward."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.head = head

    def forward(self, states: Tensor) -> Tensor:
        """States (..., hidden) to (..., 1)."""
        value: Tensor = self.head(states)
        return -value


class LabelProbability(nn.Module):
    """The probability of one of the labels that a head has."""

    def __init__(self, head: nn.Module, label: int) -> None:
        super().__init__()
        self.head = head
        self.label = label

    def forward(self, states: Tensor) -> Tensor:
        """States (..., hidden) to (...)."""
        return torch.softmax(self.head(states), -1)[..., self.label]


def select_outputs(head: nn.Linear, outputs: list[int]) -> nn.Linear:
    """The linear layer that has only these outputs of `head`, in this order, in float32."""
    kept = nn.Linear(head.in_features, len(outputs), bias=head.bias is not None)
    with torch.no_grad():
        kept.weight.copy_(head.weight[outputs])
        if head.bias is not None:
            kept.bias.copy_(head.bias[outputs])
    return kept.to(head.weight.device).requires_grad_(False)
