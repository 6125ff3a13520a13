"""The parts of the test suite: fast, full, heavy. Each test belongs to one, by its markers."""

from __future__ import annotations

import re
from collections.abc import Set

ENGINE_FIXTURES = frozenset(
    {"pipeline", "vllm_generator", "vllm_server", "vllm_server_with_plugin", "bestofn"}
)
"""A test that uses one is marked `engine`."""

MODEL_FOLDERS = ("tests/embedded/", "tests/rewards/", "tests/training/")
"""A test in one is marked `model`: they run models, sandboxes and servers that score."""

FULL = frozenset({"engine", "model"})
HEAVY = frozenset({"browser", "ray", "slow"})

PARTS = ("fast", "full", "heavy")
_MOST_ASKED = {"fast": "fast", "not heavy": "full"}
"""By what is given as ``-m``: the last part that it takes tests of."""

_MODULE_MARK = re.compile(r"^pytestmark = (\[.*?^\]|.*?$)", re.MULTILINE | re.DOTALL)


def part(markers: Set[str]) -> str:
    """The part of a test with these markers."""
    if markers & HEAVY:
        return "heavy"
    return "full" if markers & FULL else "fast"


def is_asked_for(expression: str, path: str, text: str) -> bool:
    """Whether a file can have a test that is asked for: reading one may load a lot.

    Args:
        expression: what is given as ``-m``.
        path: of the file, below the repository.
        text: of the file; by `pytestmark` all its tests belong to a part, or to a later one.
    """
    most = _MOST_ASKED.get(expression, "heavy")
    marks = {
        mark for found in _MODULE_MARK.findall(text) for mark in re.findall(r"mark\.(\w+)", found)
    }
    if path.startswith(MODEL_FOLDERS):
        marks.add("model")
    return PARTS.index(part(marks)) <= PARTS.index(most)


def group(nodeid: str) -> str:
    """The group that a test belongs to: all tests of a group run in one process, in their order.

    Those of a file are one; so are those that run programs and then look for what they left on the
    machine.
    """
    verifiers = "tests/rewards/verifiers/"
    return verifiers if nodeid.startswith(verifiers) else nodeid.partition("::")[0]
