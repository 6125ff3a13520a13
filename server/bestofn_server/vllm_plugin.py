"""The endpoint plug-in of vLLM: bestofn inside somebody's own `vllm serve`.

    VLLM_PLUGINS=bestofn BESTOFN_CONFIG=bestofn.yaml vllm serve MODEL

Its paths below /v1 replace vLLM's of the same name, behind vLLM's own authentication and in vLLM's
own log; the engine and every flag of it are vLLM's. What of vLLM's own answers without best-of-n is
said at the start. The reward model is loaded after the engine, so that `--gpu-memory-utilization`
has to leave room for it.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import prometheus_client
from fastapi import FastAPI
from fastapi.routing import APIRoute

from bestofn.builders.pipeline import open_pipeline
from bestofn.core.errors import BestOfNError, ConfigError
from bestofn.generators.vllm import LOOP_STOP, VllmGenerator
from bestofn.settings.settings import Settings
from bestofn.vllm_engine.engine import VllmEngine
from bestofn_server.app import open_service
from bestofn_server.http.auth import KeyAsBearer
from bestofn_server.routes import models, rerank, rewards
from bestofn_server.routes.answers import answer_routers
from bestofn_server.routes.route import ServiceRoute

CONFIG = "BESTOFN_CONFIG"
"""The environment variable that names the YAML file; BESTOFN_* variables are read as well."""

SAMPLERS = (
    "vllm.entrypoints.anthropic",
    "vllm.entrypoints.cohere",
    "vllm.entrypoints.generate",
    "vllm.entrypoints.openai",
    "vllm.entrypoints.scale_out.token_in_token_out",
    "vllm.entrypoints.serve.sagemaker",
    "vllm.entrypoints.speech_to_text",
)
"""Packages of vLLM (0.32) whose paths make text, or ask for text that was made."""

logger = logging.getLogger(__name__)

_VLLMS_OWN = ("model", "upstream", "engine_args", "chat_template", "generators")


class BestOfNPlugin:
    """The entry point; see `vllm.plugins.endpoint_plugins.interface.EndpointPlugin`."""

    name = "bestofn"
    required_tasks = ("generate",)

    def __init__(self) -> None:
        self._app: FastAPI | None = None

    def attach_router(self, app: FastAPI) -> None:
        """Put the paths into vLLM's app."""
        own = (models.router(), rewards.router(), rerank.router())
        for each in (*answer_routers(), *own):
            app.include_router(each)
        self._app = app

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
        if self._app is not None:
            _read_other_header(self._app)
            if others := uncovered(self._app.routes):
                logger.warning("bestofn: these answer without best-of-n: %s", ", ".join(others))

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


def _read_other_header(app: FastAPI) -> None:
    """Let `X-Api-Key` count before vLLM's own guard, which reads no other header than its own.

    vLLM has built its middleware by now (its SageMaker hooks do), and Starlette adds none to one
    that is built.
    """
    if app.middleware_stack is None:
        app.add_middleware(KeyAsBearer)
    else:
        app.middleware_stack = KeyAsBearer(app.middleware_stack)


def uncovered(routes: Iterable[Any]) -> list[str]:
    """Method and path of each of vLLM's own that makes text, and that no path of bestofn's
    replaces; sorted."""
    ours = {route.path for route in routes if isinstance(route, ServiceRoute)}
    return sorted(
        f"POST {route.path}"
        for route in routes
        if isinstance(route, APIRoute)
        and "POST" in (route.methods or ())
        and route.path not in ours
        and route.endpoint.__module__.startswith(SAMPLERS)
        and not route.path.endswith("/cancel")  # of what is stored, which nothing is here
    )
