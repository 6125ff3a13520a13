"""The parts of the test suite: fast, full, heavy. Each test belongs to one, by its markers."""

from __future__ import annotations

import re
from collections.abc import Set

ENGINE_FIXTURES = frozenset(
    {"pipeline", "vllm_generator", "vllm_server", "vllm_server_with_plugin", "bestofn"}
)
"""A test that uses one is marked `engine`."""

SLOW_FIXTURES = frozenset({"vllm_server", "vllm_server_with_plugin"})
"""A test that uses one is marked `slow` too: it starts a second engine, in a process of its own."""

MARKED_FOLDERS = {
    "tests/embedded/": "model",
    "tests/gpu_memory/": "model",
    "tests/rewards/": "model",
    "tests/training/": "model",
    "tests/server/": "service",
}
"""Beginnings of paths, and the marker of all tests below: those that load models, sandboxes and
servers that score, and those that ask the whole service."""

FULL = frozenset({"engine", "model", "service", "long"})
HEAVY = frozenset({"browser", "ray", "slow"})

PARTS = ("fast", "full", "heavy")
_MOST_ASKED = {"fast": "fast", "not heavy": "full"}
"""By what is given as ``-m``: the last part that it takes tests of."""

_MODULE_MARK = re.compile(r"^pytestmark = (\[\n.*?^\]|.*?$)", re.MULTILINE | re.DOTALL)


def folder_marks(path: str) -> frozenset[str]:
    """The markers of all tests at this path, or with this node id."""
    return frozenset(mark for folder, mark in MARKED_FOLDERS.items() if path.startswith(folder))


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
        text: of the file; by `pytestmark` all its tests belong to a part, or to a later one, and a
            heavy test, or a fixture of its, is marked so or names what makes it heavy.
    """
    if expression == "heavy" or expression.startswith("heavy and "):
        return bool(_CAN_BE_HEAVY.search(text))
    most = _MOST_ASKED.get(expression, "heavy")
    marks = {
        mark for found in _MODULE_MARK.findall(text) for mark in re.findall(r"mark\.(\w+)", found)
    }
    marks |= folder_marks(path)
    return PARTS.index(part(marks)) <= PARTS.index(most)


_CAN_BE_HEAVY = re.compile(rf"\bmark\.(?:{'|'.join(HEAVY)})\b|\b(?:{'|'.join(SLOW_FIXTURES)})\b")

_TOGETHER = (
    ("tests/cli/test_ask_upstream.py", "engine"),
    ("tests/generators/test_contract.py", "engine"),
    ("tests/generators/test_stopping.py", "engine"),
    ("tests/rewards/judge/test_vllm.py", "engine"),
    ("tests/server/test_clients_examples.py", "engine"),
    ("tests/server/test_openai_client.py", "engine"),
    ("tests/vllm_engine/", "engine"),
    ("tests/rewards/verifiers/", "verifiers"),
)
"""Beginnings of paths, and the group of what is below: one engine, and one server of vLLM, are
started for all that use it; programs that run look for what others of them left on the machine."""

SHARED_FIXTURES = ENGINE_FIXTURES - {"bestofn"}
"""What a test of the group `engine` uses."""


def group(nodeid: str) -> str:
    """The group that a test belongs to: all tests of a group run in one process, in their order.

    Those of a file are one, if it is not named above.
    """
    found = (name for beginning, name in _TOGETHER if nodeid.startswith(beginning))
    return next(found, nodeid.partition("::")[0])


_LONGEST = (
    "engine",
    "tests/server/test_serve_command.py",
    "tests/cli/test_ask.py",
    "verifiers",
)
"""Groups in the order in which they are begun, before all others: those that take longest, so that
none of them is left when one of two processes has nothing more to do."""


def begun(nodeid: str) -> int:
    """Where a test's group stands in the order in which groups are begun; equal ones stay as they
    are."""
    name = group(nodeid)
    return _LONGEST.index(name) if name in _LONGEST else len(_LONGEST)
