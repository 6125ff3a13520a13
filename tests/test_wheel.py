"""The wheel holds the two packages with their data, and neither training code nor tests."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DATA = {".json", ".safetensors", ".jinja", ".md", ".typed"}
PAGE = "bestofn_server/playground/static/"
"""The playground's page: the only files of a browser."""


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The files of the wheel, its own records apart; building it fetches the build backend."""
    folder = tmp_path_factory.mktemp("wheel")
    uv = str(Path(sys.executable).with_name("uv"))
    command = [uv, "build", "--wheel", "--out-dir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("bestofn_middleware-*.whl")
    return {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}


@pytest.mark.slow
def test_the_wheel_holds_the_packages_and_nothing_besides(names: set[str]) -> None:
    assert {name.split("/")[0] for name in names} == {"bestofn", "bestofn_server"}
    folders = {part for name in names for part in name.split("/")[:-1]}
    assert not folders & {"training", "tests", "benchmarks", "examples", "__pycache__"}
    others = {name for name in names if not name.startswith(PAGE)}
    assert {Path(name).suffix for name in others} <= {".py", *DATA}
    page = {PAGE + path.name for path in (ROOT / "server" / PAGE).iterdir()}
    assert names - others == page


@pytest.mark.slow
def test_the_wheel_holds_every_module_and_the_embedded_models(names: set[str]) -> None:
    for package in (ROOT / "bestofn", ROOT / "server" / "bestofn_server"):
        written = {str(path.relative_to(package.parent)) for path in package.rglob("*.py")}
        assert written <= names
    for model in ("generator", "reward"):
        assert f"bestofn/embedded/{model}/model.safetensors" in names
