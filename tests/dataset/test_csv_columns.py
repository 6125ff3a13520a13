"""Names of a CSV's columns: without the blanks around them, and no two the same."""

from __future__ import annotations

from pathlib import Path

from bestofn.dataset.prompts.csv_records import _names
from bestofn.dataset.prompts.rows import Defaults
from bestofn.dataset.prompts.source import PromptSource


def test_names_of_columns_have_no_blanks_around_them_and_each_is_another(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("prompt, reference,prompt,prompt.1\nHi,4,Ho,He\n")
    (read,) = PromptSource(str(tmp_path / "a.csv")).rows(Defaults(4))
    assert read.request is not None
    assert (read.request.last_user_text, read.request.reference) == ("Hi", "4")
    assert _names([" a", "a", "a.1", "a ", ""]) == ["a", "a.2", "a.1", "a.3", ""]
