"""The real engine, once a session, and the part of the suite that each test belongs to.

    make test-fast   fast             no engine, no model, no service, no processes of its own
    make test        fast and full    the main uses, end to end
    make test-all    heavy too        soak, kills, Ray, a browser, schemathesis

`engine`, `model`, `service`, `long`, `browser`, `ray` and `slow` say what a test needs
(pyproject.toml describes them); `alone`, that nothing may run beside it. A test that uses a fixture
of an engine is marked here, and its part follows from its markers.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

# Before vLLM is imported: small, quiet, offline, and no more threads than the two cores.
os.environ.update(
    {
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "VLLM_LOGGING_LEVEL": "ERROR",
        "VLLM_NO_USAGE_STATS": "1",
    }
)

from bestofn import Pipeline, Settings, open_pipeline
from bestofn.generators.vllm import VllmGenerator
from tests.support.parts import (
    ENGINE_FIXTURES,
    SLOW_FIXTURES,
    begun,
    folder_marks,
    group,
    is_asked_for,
    part,
)
from tests.support.vllm_serving import TOOLS, embedded_serving

NOT_FAST = {"torch", "vllm", "ray", "playwright"}
"""Packages that no fast test may load."""


class ByGroup(LoadScopeScheduling):  # type: ignore[misc]
    """Gives the two processes whole groups of tests, in the order in which they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByGroup:
    """How tests are shared out where several processes run them."""
    config.option.loadscopereorder = False
    return ByGroup(config, log)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave a file unread whose tests are all of a part that is not asked for."""
    if collection_path.suffix != ".py" or not collection_path.name.startswith("test_"):
        return None
    path = collection_path.relative_to(config.rootpath).as_posix()
    text = collection_path.read_text(encoding="utf-8")
    return None if is_asked_for(config.option.markexpr, path, text) else True


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> None:
    """Load the plug-in of schemathesis, which takes seconds, for the file that needs it alone."""
    if module_path.name == "test_openapi.py":
        parent.config.pluginmanager.import_plugin("schemathesis.pytest.plugin")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by its fixtures, and then by its part; what takes long is begun first."""
    items.sort(key=lambda item: begun(item.nodeid))
    for item in items:
        if not ENGINE_FIXTURES.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker("engine")
        if not SLOW_FIXTURES.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker("slow")
        for mark in folder_marks(item.nodeid):
            item.add_marker(mark)
        item.add_marker(part({mark.name for mark in item.iter_markers()}))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes by their number: packed ones hold the time, and both processes have to collect the
    same names."""
    return f"{argname} of {len(val)} bytes" if isinstance(val, bytes) else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Fail a test that is taken for fast and whose fixtures load what is not."""
    yield from _fast_if_said(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """The same for the test itself."""
    yield from _fast_if_said(item)


def _fast_if_said(item: pytest.Item) -> Iterator[None]:
    absent = NOT_FAST - sys.modules.keys()
    yield
    if item.get_closest_marker("fast"):
        loaded = absent & sys.modules.keys()
        assert not loaded, f"it loads {sorted(loaded)}: mark it with what it needs"


@pytest.fixture(autouse=True)
def _logging_as_nobody_has_set_it_up() -> None:
    """A server in this process, of another test or of the whole session, has set its log up."""
    logging.root.setLevel(logging.WARNING)  # an engine in this process lets only errors through
    for name in ("bestofn", "bestofn_server"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
        logger.setLevel(logging.NOTSET)


@pytest.fixture(scope="session")
async def pipeline() -> AsyncIterator[Pipeline]:
    """The embedded pair on vLLM, as `open_pipeline` makes it, and able to call tools."""
    async with open_pipeline(Settings(engine="vllm", engine_args=TOOLS)) as opened:
        yield opened


@pytest.fixture(scope="session")
def vllm_generator(pipeline: Pipeline) -> VllmGenerator:
    """The generator of `pipeline`."""
    assert isinstance(pipeline.generator, VllmGenerator)
    return pipeline.generator


@pytest.fixture(scope="session")
def vllm_server() -> Iterator[str]:
    """The URL of vLLM's own server on the embedded generator, in a process of its own."""
    with embedded_serving() as url:
        yield url
