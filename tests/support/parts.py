"""The parts of the test suite: fast, full, heavy. Each test belongs to one, by its markers."""

from __future__ import annotations

from collections.abc import Set

ENGINE_FIXTURES = frozenset(
    {"pipeline", "vllm_generator", "vllm_server", "vllm_server_with_plugin", "bestofn"}
)
"""A test that uses one is marked `engine`."""

MODEL_FOLDERS = ("tests/embedded/", "tests/rewards/", "tests/training/")
"""A test in one is marked `model`: they run models, sandboxes and servers that score. The fast part
does not even read them, since that alone loads torch twice."""

FULL = frozenset({"engine", "model"})
HEAVY = frozenset({"browser", "ray", "slow"})


def part(markers: Set[str]) -> str:
    """The part of a test with these markers."""
    if markers & HEAVY:
        return "heavy"
    return "full" if markers & FULL else "fast"


def group(nodeid: str) -> str:
    """The group that a test belongs to: all tests of a group run in one process, in their order.

    Those of a file are one; so are those that run programs and then look for what they left on the
    machine.
    """
    verifiers = "tests/rewards/verifiers/"
    return verifiers if nodeid.startswith(verifiers) else nodeid.partition("::")[0]
