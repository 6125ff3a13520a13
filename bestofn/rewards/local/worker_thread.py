"""The thread that runs the forwards of a reward model: how it begins, and what it gives back."""

from __future__ import annotations

import torch

from bestofn.rewards.local.malloc import keep_freed_memory
from bestofn.rewards.local.readers import Reader


def begin(threads: int | None, device: torch.device) -> None:
    """Prepare the worker thread: its share of the CPU and memory that is not given back between
    layers, and a stream of its own on a GPU, so that forwards do not wait for what other threads
    have queued there."""
    if threads is not None:
        # torch keeps the number for each thread that calls it, but a thread that has not asked for
        # it yet takes the last one that any thread has set (vLLM sets one while it starts).
        torch.get_num_threads()
        torch.set_num_threads(threads)
    if device.type == "cpu":
        keep_freed_memory()
    if device.type == "cuda":
        torch.cuda.synchronize(device)  # the weights were copied on another stream
        torch.cuda.set_stream(torch.cuda.Stream(device))  # type: ignore[no-untyped-call]


def release(reader: Reader) -> bool:
    """Free what the reader keeps, and give back what torch keeps; whether the reader kept some."""
    freed = reader.release()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return freed
