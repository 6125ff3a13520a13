"""`torch.compile` of a model's repeated layers."""

from __future__ import annotations

from torch import nn

from bestofn.core.errors import ModelError


def compile_layers(model: nn.Module, name: str) -> None:
    """Have the model's blocks compiled at the forward that comes next, each kind of block once.

    One block is compiled and serves for all (PyTorch's "regional compilation"): the whole model
    would take as many times as long. Lengths stay symbolic, since no two forwards are alike.

    Args:
        model: a module with its weights.
        name: what the user calls it.

    Raises:
        ModelError: it has no repeated blocks.
    """
    blocks = [
        block
        for blocks in model.modules()
        if isinstance(blocks, nn.ModuleList) and len({type(block) for block in blocks}) == 1
        for block in blocks
    ]
    if not blocks:
        raise ModelError(f"{name} has no repeated layers: leave compile out")
    for block in blocks:
        block.compile(dynamic=True)
