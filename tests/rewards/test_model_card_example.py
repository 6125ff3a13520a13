"""The model card's example runs: on the replica, and on the card's own cases where they are."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

from tests.rewards.conftest import Checkpoint
from tests.support.rewards import plain_llama, ziya_replica

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "ziya_model_card.py"
CARD = ROOT.parent / "shared" / "ziya_card.json"


class Run:
    """Runs the example in this process, with these arguments."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *arguments: Path) -> str:
        """What it prints; SystemExit where it refuses."""
        self._monkeypatch.setattr("sys.argv", [EXAMPLE.name, *map(str, arguments)])
        self._capsys.readouterr()
        runpy.run_path(str(EXAMPLE), run_name="__main__")
        return self._capsys.readouterr().out


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    return Run(monkeypatch, capsys)


def measured(output: str) -> list[tuple[str, str]]:
    """Published and measured reward of every row, as printed."""
    return [(row.split()[0], row.split()[1]) for row in output.splitlines()[1:]]


def expected(ziya: Checkpoint, query: str, response: str) -> str:
    text = f"Human:{query}\n\nAssistant:{response}"
    ids = ziya_replica.reference_ids(ziya.folder, text, True)
    return f"{plain_llama.reward(ids, ziya.weights, ziya_replica.SHAPE, ziya_replica.HEAD):.2f}"


def test_it_prints_published_and_measured_rewards(
    run: Run, ziya: Checkpoint, tmp_path: Path
) -> None:
    case = {"query": "天空?", "responses": ["蓝色", "no"], "published_rewards": [0.5, -1.25]}
    cases = tmp_path / "cases.json"
    cases.write_text(json.dumps({"cases": [case]}))
    assert measured(run(ziya.folder, cases)) == [
        ("0.50", expected(ziya, "天空?", "蓝色")),
        ("-1.25", expected(ziya, "天空?", "no")),
    ]


@pytest.mark.skipif(not CARD.is_file(), reason=f"the card's cases are not at {CARD.name}")
def test_the_cards_own_cases_have_the_layout_it_reads(run: Run, ziya: Checkpoint) -> None:
    cases = json.loads(CARD.read_text(encoding="utf-8"))["cases"]
    assert measured(run(ziya.folder, CARD)) == [
        (f"{published:.2f}", expected(ziya, case["query"], response))
        for case in cases
        for response, published in zip(case["responses"], case["published_rewards"], strict=True)
    ]


def test_it_says_what_is_absent(run: Run, ziya: Checkpoint, tmp_path: Path) -> None:
    for arguments, sentence in (
        ((), "give the checkpoint's folder and the JSON file of cases"),
        ((tmp_path / "nowhere", tmp_path), "does not exist; name a folder or a model on the hub"),
        ((ziya.folder, tmp_path / "cases.json"), "No such file or directory"),
    ):
        with pytest.raises(SystemExit, match=sentence):
            run(*arguments)
