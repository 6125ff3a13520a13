"""What scoring the candidates of a long prompt takes at its peak, in a process of its own.

The yardstick is one plain forward over as many tokens as the largest forward may have, with
nothing kept: the prompt and one answer, which is more than the budget of a CPU.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer, LlamaConfig, LlamaForSequenceClassification

from bestofn import embedded

LAYERS, HEADS, WIDTH = 8, 8, 64
PROMPT, ANSWER, COUNT = 2000, 50, 64
KEYS_AND_VALUES = 2 * LAYERS * HEADS * WIDTH * 4 * PROMPT
"""Bytes of one prompt's, in float32."""

SLACK = 1.15
"""Attention in parts has buffers of its own, and texts have their ids."""

SCRIPT = f"""
import asyncio, json, sys
from pathlib import Path
import torch
from transformers import LlamaForSequenceClassification
from bestofn.rewards.transformers import TransformersRewardModel
from bestofn.core.types import Candidate, Request

def held(field):
    status = Path("/proc/self/status").read_text().split()
    return int(status[status.index(field + ":") + 1]) * 1024

def beyond(act):  # the peak of `act` beyond what was held before
    before = held("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    done = act()
    return held("VmHWM") - before, done

def score(model, words, count):
    request = Request.from_prompt("the " * words)
    texts = [f"{{i}}" + " a" * {ANSWER} for i in range(count)]
    answers = [
        Candidate(i, {{"role": "assistant", "content": text}}, "stop")
        for i, text in enumerate(texts)
    ]
    return [score.tokens for score in asyncio.run(model.score(request, answers))]

def forward(model, tokens):
    with torch.inference_mode():
        model(input_ids=torch.randint(8000, (1, tokens)), use_cache=False)

folder = sys.argv[1]
plain = LlamaForSequenceClassification.from_pretrained(folder).eval()
torch.set_num_threads(1)
template = "{{{{ messages[0].content }}}}{{{{ messages[1].content }}}}"
ours = TransformersRewardModel.load(folder, threads=1, template=template)
forward(plain, 8)
score(ours, 8, 2)
scoring, tokens = beyond(lambda: score(ours, {PROMPT}, {COUNT}))
once, _ = beyond(lambda: forward(plain, max(tokens)))
print(json.dumps([scoring, once, tokens]))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of 25 million weights, so that what it computes is large beside a process."""
    folder = tmp_path_factory.mktemp("memory")
    config: Any = LlamaConfig(
        hidden_size=HEADS * WIDTH,
        intermediate_size=1376,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        vocab_size=8192,
        max_position_embeddings=8192,
    )
    config.num_labels = 1
    LlamaForSequenceClassification(config).save_pretrained(folder)  # type: ignore[no-untyped-call]
    AutoTokenizer.from_pretrained(embedded.reward_path(), model_max_length=8192).save_pretrained(
        folder
    )
    return folder


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's /proc")
def test_many_candidates_take_the_memory_of_one_forward_and_one_prompt(folder: Path) -> None:
    # Freed memory goes back at once, so that the peak is what is held, and not what malloc keeps.
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536"}
    command = [sys.executable, "-c", SCRIPT, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    scoring, forward, tokens = json.loads(done.stdout)
    assert max(tokens) > PROMPT
    assert sum(tokens) < PROMPT + COUNT * (ANSWER + 10)
    print(
        f"MiB: {scoring >> 20} scoring, {forward >> 20} one forward, {KEYS_AND_VALUES >> 20} kept"
    )
    assert scoring < (forward + KEYS_AND_VALUES) * SLACK
