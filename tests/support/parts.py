"""The parts of the test suite: fast, engine, heavy. Each test belongs to one, by its markers."""

from __future__ import annotations

from collections.abc import Set

ENGINE_FIXTURES = frozenset(
    {"pipeline", "vllm_generator", "vllm_server", "vllm_server_with_plugin", "bestofn"}
)
"""A test that uses one is marked `engine`."""

HEAVY = frozenset({"browser", "ray", "slow"})


def part(markers: Set[str]) -> str:
    """The part of a test with these markers."""
    if markers & HEAVY:
        return "heavy"
    return "engine" if "engine" in markers else "fast"
