"""vLLM's pooling engine as one of the ways of `benchmarks.scoring`."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from transformers import LlamaForSequenceClassification

from benchmarks.scoring_ways import Random, Texts, Way
from bestofn import embedded


def vllm_way(model: Random, folder: Path) -> Way:
    """A way that scores with the same weights on vLLM: raw rewards, prefix cache on, and empty
    before each call."""
    os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
    os.environ.setdefault("VLLM_CPU_OMP_THREADS_BIND", "nobind")
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    from vllm import LLM, PoolingParams

    config = model.trunk.config
    config.num_labels, config.pad_token_id = 1, 0
    whole: Any = LlamaForSequenceClassification(config)  # type: ignore[no-untyped-call]
    whole.model, whole.score = model.trunk, model.head
    whole.save_pretrained(folder)
    for tokenizer in embedded.reward_path().glob("tokenizer*"):  # vLLM wants one; ids are given
        shutil.copy(tokenizer, folder)
    engine = LLM(
        model=str(folder),
        runner="pooling",
        enforce_eager=True,
        dtype=str(config.dtype).removeprefix("torch."),
        max_model_len=8192,
        max_num_batched_tokens=8192,
        enable_prefix_caching=True,
        block_size=32,
        gpu_memory_utilization=0.3,
        kv_cache_memory_bytes=2**31,
    )
    raw = PoolingParams(task="classify", use_activation=False)

    def score(texts: Texts) -> list[float]:
        assert engine.reset_prefix_cache()
        prompts: Any = [{"prompt_token_ids": list(ids)} for ids in texts]
        outputs = engine.encode(prompts, raw, pooling_task="classify", use_tqdm=False)
        return [float(output.outputs.data[0]) for output in outputs]

    return score


def temporary() -> tempfile.TemporaryDirectory[str]:
    """A folder for the weights."""
    return tempfile.TemporaryDirectory(prefix="bestofn-scoring-")
