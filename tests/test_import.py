"""`import bestofn` stays light, and its public names are the pinned ones."""

from __future__ import annotations

import subprocess
import sys

import bestofn


def test_import_loads_no_engine() -> None:
    heavy = "{'torch', 'vllm', 'transformers', 'lingua', 'ray', 'rich'}"
    code = f"import sys, bestofn; print(sorted({heavy} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_command_line_loads_nothing_heavy_before_a_command_runs() -> None:
    heavy = "{'torch', 'vllm', 'transformers', 'ray', 'rich', 'pydantic', 'pyarrow'}"
    code = f"import sys, bestofn.cli; print(sorted({heavy} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_resolves() -> None:
    for name in bestofn.__all__:
        assert getattr(bestofn, name).__name__ == name
    assert dir(bestofn) == sorted(bestofn.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(bestofn, "best_of_two")
