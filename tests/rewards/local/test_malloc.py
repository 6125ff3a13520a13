"""What a forward on a CPU frees stays in the process: the next layer does not fault it in again."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

LAYERS = """
import random, resource, sys, threading
import torch
from bestofn.rewards.local.malloc import keep_freed_memory

def layers(count):  # the blocks that a layer of a Llama takes, for rows of three lengths
    lengths = random.Random(0)
    for _ in range(count):
        state = torch.ones(lengths.choice([700, 850, 1000]), 512)
        query, key, value = state + state, state + state, state + state
        state = query + key + value
        del query, key, value
        gate, up = (torch.ones(len(state), 1376) for _ in range(2))
        gate = torch.nn.functional.silu(gate) * up
        del up
        state = state + gate[:, :512]
        del gate

def work():
    keep_freed_memory()
    layers(60)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    layers(60)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)

if sys.argv[1] == "main":
    work()
else:  # it has an arena of its own, as the thread that scores
    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
"""

PAGES_OF_A_LAYER = 3_000
"""At least so many pages of 4 KiB: two tensors of 1,000 rows of 1,376 floats, and one of 512."""


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is glibc that learns")
@pytest.mark.parametrize("thread", ["main", "worker"])
def test_sixty_layers_fault_in_less_than_one_takes(thread: str) -> None:
    command = [sys.executable, "-c", LAYERS, thread]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert int(done.stdout) < PAGES_OF_A_LAYER
