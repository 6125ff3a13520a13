"""glibc's malloc: what a forward on a CPU frees stays for the next layer."""

from __future__ import annotations

import torch

LARGEST = (32 << 20) - (64 << 10)
"""Bytes: just under the most that glibc raises its threshold to (`DEFAULT_MMAP_THRESHOLD_MAX` in
its malloc.c, 32 MiB where pointers have 64 bits), with room for the block's header and alignment.
"""


def keep_freed_memory() -> None:
    """Have glibc keep what torch frees, up to 64 MiB an arena; elsewhere it does nothing.

    Tensors of a layer are of some MiB. glibc maps each such block anew and unmaps it when it is
    freed, so that every layer faults all of its pages in again: up to 18 % of a forward's time on
    two threads, `benchmarks.scoring`. But it also learns (`M_MMAP_THRESHOLD` in mallopt(3)): when a
    block is freed that was mapped, blocks of up to its size come from the heap from then on, and
    the heap is given back only where twice as much of it is free. So one large block, freed at
    once and never touched, is enough. Nothing changes where the user has set the thresholds or
    loaded another allocator.
    """
    torch.empty(LARGEST, dtype=torch.uint8)
