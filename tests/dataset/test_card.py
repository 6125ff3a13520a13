"""The card of a run names every format that is there, each with the rule that it was made by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from rich.console import Console

from bestofn.cli.dataset_options import Output
from bestofn.cli.export import export_run
from bestofn.core.errors import ConfigError
from bestofn.dataset.export.card import gone_of
from bestofn.dataset.export.exported import Exported, exported_in, table_of
from bestofn.dataset.export.keep_rule import KeepRule
from bestofn.dataset.export.options import ExportOptions
from bestofn.settings.choices import FormatName
from tests.support import killed_run as killed
from tests.support.command import run_here


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    killed.work_few(tmp_path / "run")
    return tmp_path / "run"


def export(folder: Path, *names: FormatName, rule: KeepRule | None = None) -> str:
    """The card, after an export of these formats."""
    options = ExportOptions(rule or KeepRule())
    export_run(Output(folder, names, options), Console(quiet=True))
    return (folder / "README.md").read_text(encoding="utf-8")


def configurations(card: str) -> list[Any]:
    configs: list[Any] = yaml.safe_load(card.split("---")[1])["configs"]
    return configs


def test_an_export_of_one_format_leaves_the_others_on_the_card(folder: Path) -> None:
    card = export(folder, "sft", "ranked", rule=KeepRule("top-k", 2))
    assert "Kept: top-k 2." in card
    before = {each.name: each for each in exported_in(folder)}
    card = export(folder, "dpo", "candidates")
    assert [each["config_name"] for each in configurations(card)] == [
        "sft", "dpo", "ranked", "candidates",
    ]  # fmt: skip
    assert [each.get("default", False) for each in configurations(card)] == [True, *[False] * 3]
    assert "Kept: top-k 2 (sft, ranked); best (dpo)." in card
    assert f"| [sft](sft) | {before['sft'].rows} | {before['sft'].prompts} |" in card
    assert before["sft"].rows > before["sft"].prompts > 0


def test_a_format_that_the_card_names_and_is_gone_is_told(folder: Path) -> None:
    export(folder, "sft", "dpo")
    assert list(gone_of(folder)) == []
    table_of(folder, "dpo").unlink()
    (sentence,) = gone_of(folder)
    assert sentence.startswith(f"{table_of(folder, 'dpo')} is gone, which README.md names; `--form")
    done = run_here("verify", str(folder))
    assert done.returncode == 1
    assert sentence in done.stdout


@pytest.mark.parametrize(
    "card",
    [
        "",
        "no head",
        "---\n- a\n---\n",
        "---\nconfigs: 5\n---\n",
        "---\nconfigs: [sft]\n---\n",
        "---\n: [\n---\n",
    ],
)
def test_a_card_of_somebodys_own_names_nothing(folder: Path, card: str) -> None:
    (folder / "README.md").write_text(card, encoding="utf-8")
    assert list(gone_of(folder)) == []


def test_each_of_them_is_read_by_its_name(folder: Path, tmp_path: Path) -> None:
    from datasets import load_dataset

    export(folder, "sft")
    export(folder, "dpo")
    for name in ("sft", "dpo"):
        held = load_dataset(str(folder), name, split="train", cache_dir=str(tmp_path / "cache"))
        assert len(held) > 0


def test_of_one_that_an_earlier_version_wrote_the_rule_is_not_known(folder: Path) -> None:
    export(folder, "sft")
    table = pq.read_table(table_of(folder, "sft"))
    pq.write_table(table.replace_schema_metadata(None), table_of(folder, "sft"))
    (sft,) = exported_in(folder)
    assert sft == Exported("sft", table.num_rows, table.num_rows, kept=None)
    card = export(folder, "dpo")
    assert "Kept: by a rule that was not recorded (sft); best (dpo)." in card
    assert "Kept" not in export(folder, "sft", "dpo").replace("Kept: best.", "")


def test_one_that_is_damaged_is_one_sentence(folder: Path) -> None:
    export(folder, "sft")
    table_of(folder, "sft").write_bytes(b"PAR1")
    with pytest.raises(ConfigError, match=r"sft/train\.parquet cannot be read, .*--format sft"):
        export(folder, "dpo")
    assert "Kept: best." in export(folder, "sft")


@pytest.mark.parametrize("keep", ["top-k", "above", "margin", "zscore"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_rule_without_a_number_is_refused(keep: Any, value: float) -> None:
    with pytest.raises(ConfigError, match=f"{keep} takes a number, not {value:g}"):
        KeepRule(keep, value)


@pytest.mark.parametrize("margin", [float("nan"), float("inf")])
def test_so_is_a_margin(margin: float) -> None:
    with pytest.raises(ConfigError, match="min_margin is"):
        ExportOptions(min_margin=margin)
