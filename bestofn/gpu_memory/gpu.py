"""The GPU that is here: its memory, and how much of it is free."""

from __future__ import annotations

from bestofn.gpu_memory.planner import Card


def detected_card() -> Card | None:
    """The current CUDA device; None: there is none."""
    import torch

    if not torch.cuda.is_available():
        return None
    free, total = torch.cuda.mem_get_info()
    return Card(total, free)
