"""TRL's own trainers take the exports as they are: loaded by name, checked, prepared, one step."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bestofn import embedded
from bestofn.cli.dataset_options import Output
from bestofn.cli.export import export_run
from bestofn.dataset.export.formats import NAMES
from bestofn.dataset.export.keep_rule import KeepRule
from bestofn.dataset.export.options import ExportOptions
from tests.support import killed_run as killed

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    killed.work(str(folder))
    output = Output(folder, NAMES, ExportOptions(KeepRule("top-k", 2)), "cc-by-4.0")
    export_run(output, Console(quiet=True))
    return folder


@pytest.mark.long
def _loaded(folder: Path, name: str) -> Any:
    from datasets import load_dataset

    return load_dataset(str(folder), name, split="train", cache_dir=str(folder / "cache"))


def test_the_card_names_every_format(finished: Path) -> None:
    for name in NAMES:
        assert len(_loaded(finished, name)) > 300
    assert _loaded(finished, "sft").info.license in ("cc-by-4.0", "")
    card = (finished / "README.md").read_text(encoding="utf-8")
    assert "license: cc-by-4.0" in card
    assert "| rejected: length |" in card
    assert "Kept: top-k 2." in card


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sft", "dpo", "kto"])
@pytest.mark.filterwarnings("ignore")
def test_a_trainer_trains_on_it(finished: Path, tmp_path: Path, name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import trl
        from transformers import AutoModelForCausalLM, AutoTokenizer

    path = str(embedded.generator_path())
    settings = {"report_to": [], "use_cpu": True, "bf16": False, "disable_tqdm": True}
    kind = name.upper()
    trainer: Any = getattr(trl, f"{kind}Trainer")(
        model=AutoModelForCausalLM.from_pretrained(path),
        args=getattr(trl, f"{kind}Config")(
            output_dir=str(tmp_path), max_steps=1, per_device_train_batch_size=4, **settings
        ),
        train_dataset=_loaded(finished, name).select(range(40)),
        processing_class=AutoTokenizer.from_pretrained(path),
    )
    assert trainer.train().training_loss > 0


@pytest.mark.slow
def test_the_example_trains_on_it(finished: Path) -> None:
    example = Path(__file__).parents[2] / "examples" / "train_on_a_run.py"
    done = subprocess.run(
        [sys.executable, str(example), str(finished)],
        env={**os.environ, "HF_DATASETS_CACHE": str(finished / "cache")},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^\d+ pairs, loss \d\.\d{3}$", done.stdout, re.MULTILINE), done.stdout


def test_pairs_differ_in_reward_and_text(finished: Path) -> None:
    for row in _loaded(finished, "dpo"):
        assert row["chosen_reward"] > row["rejected_reward"]
        assert row["chosen"] != row["rejected"]
        assert row["prompt"][-1]["role"] == "user"
