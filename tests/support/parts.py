"""The parts of the test suite: fast, full, heavy. Each test belongs to one, by its markers."""

from __future__ import annotations

from collections.abc import Sequence, Set

ENGINE_FIXTURES = frozenset(
    {"pipeline", "vllm_generator", "vllm_server", "vllm_server_with_plugin", "bestofn"}
)
"""A test that uses one is marked `engine`."""

SHARED_ENGINES = ("vllm_server_with_plugin", "vllm_server", "pipeline", "vllm_generator")
"""Fixtures that start an engine for the whole session, so that all their tests run in one process;
`vllm_generator` is the one of `pipeline`."""

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


def group(nodeid: str, fixtures: Sequence[str]) -> str:
    """The group that a test belongs to: all tests of a group run in one process, in their order.

    Those of an engine that is started once a session are one group; so are those that run programs
    and then look for what they left on the machine; else those of a file.
    """
    if nodeid.startswith("tests/rewards/verifiers/"):
        return "verifiers"
    engine = next(
        (name for name in SHARED_ENGINES if name in fixtures or f"[{name}" in nodeid), None
    )
    if engine == "vllm_generator":
        return "pipeline"
    return engine or nodeid.partition("::")[0]
