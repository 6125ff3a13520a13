"""What samples, opened: a vLLM engine, transformers, or a client of another server (upstream).

A new generator is one new file and one branch in `open_generator`.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bestofn import embedded
from bestofn.core.errors import ConfigError
from bestofn.core.protocols import Generator
from bestofn.settings.choices import Engine
from bestofn.settings.settings import Settings
from bestofn.support.flags import flag_name
from bestofn.support.url import shown_url
from bestofn.vllm_engine import engine as vllm_engine

if TYPE_CHECKING:
    from bestofn.generators.chat_template import ChatTemplate

logger = logging.getLogger(__name__)

EMBEDDED_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
}
"""Variables that vLLM starts the embedded model with.

Its threads would wait for each other. With one thread nothing asks for a process of the model's
own beside the scheduler's, which would import vLLM once more (a quarter of the time of a start).
"""


def embedded_engine_args() -> list[str]:
    """Flags that start a model of a few MB fast, and small: it needs no graphs and little cache."""
    return [
        f"--served-model-name={embedded.NAME}",
        "--enforce-eager",
        "--block-size=32",
        "--max-num-batched-tokens=2048",
        f"--kv-cache-memory-bytes={256 * 2**20}",
        "--gpu-memory-utilization=0.1",
    ]


@contextlib.asynccontextmanager
async def open_generator(
    settings: Settings, engine: Engine, share: Sequence[str] = (), reward_name: str | None = None
) -> AsyncIterator[Generator]:
    """What samples, closed at the end.

    Args:
        settings: name it.
        engine: see `engine_of`.
        reward_name: what clients call what scores; for the engine none, which samples nothing.
        share: vLLM's flags for its share of memory; not for the embedded model, which has its own.

    Raises:
        ConfigError: the engine is not installed, or does not take its flags.
        ModelError: the model cannot be found or read.
    """
    logger.info("engine: %s", engine)
    if engine == "none":
        from bestofn.generators.no_generator import NoGenerator

        yield NoGenerator(str(reward_name))
        return
    if engine == "openai":
        from bestofn.generators.openai import openai_generator

        key = settings.upstream_api_key
        async with openai_generator(
            settings.upstream or (),
            settings.model,
            api_key=None if key is None else key.get_secret_value(),
            concurrency=settings.upstream_concurrency,
            most_bytes=settings.upstream_max_bytes,
            chat_template=settings.chat_template,
        ) as upstream:
            yield upstream
        return

    name = generator_name(settings)
    template = _template(settings, name)
    if engine == "transformers":
        from bestofn.generators.transformers import TransformersGenerator

        fallback = TransformersGenerator.load(name, chat_template=template)
        try:
            yield fallback
        finally:
            fallback.close()
        return

    from bestofn.generators.vllm import LOOP_STOP, vllm_generator

    arguments, environment = list(settings.engine_args), {}
    if settings.model is None:
        arguments = [*embedded_engine_args(), *arguments]
        environment = dict(EMBEDDED_ENVIRONMENT)
    else:
        arguments += share
    async with vllm_generator(
        name,
        arguments,
        loop_stop=LOOP_STOP if settings.loop_stop else None,
        environment=environment,
        chat_template=template,
    ) as generator:
        yield generator


def _template(settings: Settings, model: str) -> ChatTemplate | None:
    """The chat template of a model in this process; None: its own.

    Raises:
        ConfigError: the setting is none, or vLLM is given another among its flags.
    """
    from bestofn.generators.chat_template import chosen_template, has_chat_template

    given = settings.chat_template
    flagged = "--chat-template" in map(flag_name, settings.engine_args)
    if flagged and given is not None:
        raise ConfigError("chat_template is set, and --chat-template is among engine_args too")
    if flagged:
        return None
    return chosen_template(given, model, has_own=has_chat_template(model))


def refuse_no_model(model: str) -> None:
    """Refuse a path that leads to no model, before an engine is started that says so in its words.

    Raises:
        ModelError: see `bestofn.support.checkpoint.folder_of`.
    """
    from bestofn.support.checkpoint import folder_of

    path = Path(model).expanduser()
    read_by_vllm = "://" in model or path.suffix == ".gguf"  # an object store, one file
    if not (read_by_vllm or path.is_dir()):
        folder_of(model)


def engine_of(settings: Settings) -> Engine:
    """The engine that `settings` ask for, or that suits them.

    Raises:
        ConfigError: they contradict each other.
    """
    engine, upstream = settings.engine, settings.upstream
    if engine == "auto":
        engine = "vllm" if vllm_engine.is_available() else "transformers"
        engine = engine if upstream is None else "openai"
    elif engine == "openai" and upstream is None:
        raise ConfigError("the engine is openai, and no upstream is named")
    elif engine != "openai" and upstream is not None:
        named = [upstream] if isinstance(upstream, str) else upstream
        raise ConfigError(
            f"the engine is {engine}, and an upstream is named: {', '.join(map(shown_url, named))}"
        )
    if engine == "none" and settings.model is not None:
        raise ConfigError(f"the engine is none, and a model is named: {settings.model}")
    if engine != "vllm" and settings.engine_args:
        raise ConfigError(f"engine_args are flags of vLLM, and the engine is {engine}")
    return engine


def generator_name(settings: Settings) -> str:
    """Folder or hub name of what samples here."""
    return settings.model or str(embedded.generator_path())
