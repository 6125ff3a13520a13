"""The notebook runs from top to bottom, without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).parents[1] / "examples" / "quickstart.ipynb"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_notebook_runs_from_top_to_bottom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import nbformat
    from nbclient import NotebookClient

    nowhere = "http://127.0.0.1:9"
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, nowhere)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    book: Any = nbformat.read(str(NOTEBOOK), as_version=4)
    NotebookClient(book, timeout=200, kernel_name="python3", cwd=str(tmp_path)).execute()
    printed = [
        "".join(each["text"] for each in cell["outputs"] if each.get("name") == "stdout")
        for cell in book["cells"]
        if cell["cell_type"] == "code"
    ]
    assert printed[1].startswith("best: ")
    assert len(printed[1].splitlines()) == 9
    assert sum(" accepted " in line for line in printed[1].splitlines()) > 1
    assert "3" in printed[2]
    assert "exact_loop" in printed[3]
    assert "stopped by accepted" in printed[4]
