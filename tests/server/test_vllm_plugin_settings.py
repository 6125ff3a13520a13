"""A wrong setting ends `vllm serve` with one sentence; no engine is needed to see it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from bestofn_server.vllm_plugin import CONFIG, BestOfNPlugin


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ("best_of: many", "bestofn: .*best_of"),
        ("modle: x", "bestofn: .*modle"),
        ("[", "bestofn: .*bestofn.yaml"),
        ("model: org/some", "bestofn: model: in the plug-in vLLM's own command line says that"),
    ],
)
async def test_the_sentence_is_all_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: str, sentence: str
) -> None:
    (tmp_path / "bestofn.yaml").write_text(settings)
    monkeypatch.setenv(CONFIG, str(tmp_path / "bestofn.yaml"))
    with pytest.raises(SystemExit, match=sentence) as caught:
        await BestOfNPlugin().init_state(None, SimpleNamespace(), None)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
