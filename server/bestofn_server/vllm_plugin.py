"""The endpoint plug-in of vLLM: bestofn inside somebody's own `vllm serve`.

    VLLM_PLUGINS=bestofn BESTOFN_CONFIG=bestofn.yaml vllm serve MODEL

Its paths below /v1 replace vLLM's of the same name, behind vLLM's own authentication and in vLLM's
own log; the engine and every flag of it are vLLM's. The reward model is loaded after the engine, so
that `--gpu-memory-utilization` has to leave room for it.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import prometheus_client
from fastapi import FastAPI

from bestofn.builders.pipeline import open_pipeline
from bestofn.core.errors import BestOfNError, ConfigError
from bestofn.generators.vllm import LOOP_STOP, VllmGenerator
from bestofn.settings.settings import Settings
from bestofn.vllm_engine.engine import VllmEngine
from bestofn_server.app import open_service
from bestofn_server.routes import completions, models, rewards

CONFIG = "BESTOFN_CONFIG"
"""The environment variable that names the YAML file; BESTOFN_* variables are read as well."""

_VLLMS_OWN = ("model", "upstream", "engine_args", "generators")


class BestOfNPlugin:
    """The entry point; see `vllm.plugins.endpoint_plugins.interface.EndpointPlugin`."""

    name = "bestofn"
    required_tasks = ("generate",)

    def attach_router(self, app: FastAPI) -> None:
        """Put the paths into vLLM's app."""
        for each in (completions.router(), models.router(), rewards.router()):
            app.include_router(each)

    async def init_state(self, engine_client: Any, state: Any, args: Any) -> None:
        """Load the reward model, and make the service over vLLM's engine.

        A wrong setting, or a model that cannot be used, ends `vllm serve` with one sentence:
        raised as an error it would be the last of sixty lines of vLLM's.

        Raises:
            SystemExit: with that sentence.
        """
        try:
            await self._init_state(engine_client, state)
        except BestOfNError as error:
            raise SystemExit(f"bestofn: {error}") from None

    async def _init_state(self, engine_client: Any, state: Any) -> None:
        """The same.

        Raises:
            ConfigError: a setting is wrong, or is vLLM's own to say.
            ModelError: the reward model cannot be used.
        """
        file = os.environ.get(CONFIG)
        settings = Settings.load(Path(file) if file else None)
        for name in _VLLMS_OWN:
            if getattr(settings, name):
                raise ConfigError(f"{name}: in the plug-in vLLM's own command line says that")
        engine = VllmEngine(engine_client, state)
        generator = VllmGenerator(engine, LOOP_STOP if settings.loop_stop else None)
        async with contextlib.AsyncExitStack() as stack:
            pipeline = await stack.enter_async_context(open_pipeline(settings, generator=generator))
            state.bestofn = await open_service(settings, pipeline, prometheus_client.REGISTRY)
            state.bestofn_resources = stack.pop_all()  # as long as the process: vLLM has no hook
