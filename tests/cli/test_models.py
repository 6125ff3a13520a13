"""`bestofn models`: every family, as a table and as JSON, without torch."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from bestofn.cli.models import models
from bestofn.rewards.text.formats import FORMATS


def test_json_has_every_family(capsys: pytest.CaptureFixture[str]) -> None:
    models(as_json=True)
    rows = json.loads(capsys.readouterr().out)
    assert [row["format"] for row in rows] == list(FORMATS)
    by_name = {row["format"]: row for row in rows}
    assert by_name["ziya"] == {
        "format": "ziya",
        "family": "Ziya",
        "examples": ["IDEA-CCNL/Ziya-LLaMA-7B-Reward"],
        "recognised_by": "LlamaRewardModel with value_head.weight",
        "head": "value_head, linear with bias, at the last token",
        "aggregate": None,
        "shared_prefix": True,
        "remote_code": False,
    }
    assert [name for name, row in by_name.items() if row["remote_code"]] == ["remote-code"]
    assert [name for name, row in by_name.items() if not row["shared_prefix"]] == [
        "oasst",
        "remote-code",
    ]


@pytest.mark.model
def test_the_table_has_every_family(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    models(as_json=False)
    shown = capsys.readouterr().out
    assert all(name in shown for name in FORMATS)
    assert "P(label 1) at each <extra_0>" in shown


def test_it_needs_no_torch() -> None:
    code = (
        "import sys; from bestofn.cli.models import models; models(as_json=True); "
        "assert not {'torch', 'transformers', 'vllm'} & sys.modules.keys()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
