"""Hostile requests against `bestofn serve` in a process of its own: what others notice of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.attacked import Attack, Target, target, watched
from benchmarks.attacks import ATTACKS

pytestmark = [pytest.mark.slow, pytest.mark.alone]

FREEZE = 0.25
"""Seconds that another client may wait for /health."""

TRIES = 4
"""An attack does the same each time; what else runs on this machine does not."""


@pytest.fixture(scope="module")
def server() -> Iterator[Target]:
    with target() as running:
        yield running


@pytest.fixture(scope="module")
def memory(server: Target) -> int:
    """Bytes that it takes before."""
    used: int = server.process.memory_info().rss
    return used


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
@pytest.mark.usefixtures("memory")
def test_others_notice_nothing(attack: Attack, server: Target) -> None:
    freezes = []
    for _ in range(TRIES):
        result = watched(attack, server)
        assert result.told.keys() <= attack.told, result
        freezes.append(result.freeze)
        if freezes[-1] <= FREEZE:
            break
    assert min(freezes) <= FREEZE


def test_memory_and_files_are_given_back(server: Target, memory: int) -> None:
    assert server.process.memory_info().rss <= 1.3 * memory
    assert server.process.num_fds() < 100
