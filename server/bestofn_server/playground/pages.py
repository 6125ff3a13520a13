"""The playground's paths: the page at /, its scripts, and what it has to know of this server.

The page is plain HTML, CSS and JavaScript modules in `static`, without a build step, and loads
nothing from another host. It asks what every client may ask: POST /v1/candidates for the candidates
as they come, POST /v1/rewards to rank what is there.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter, FastAPI, Request
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles

from bestofn.builders.choosing import SELECTORS
from bestofn.builders.stopping import RULES
from bestofn.core.errors import ConfigError
from bestofn.settings.settings import Settings
from bestofn_server.http.auth import PLAYGROUND
from bestofn_server.routes.route import ServiceRoute, service_of
from bestofn_server.service.chosen import OPEN_ANSWER_KEYS, OPEN_FILTERS

STATIC = Path(str(files("bestofn_server") / "playground" / "static"))

POLICY = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'"
"""What a browser lets the page load and who may frame it (Content-Security-Policy)."""


class Example(BaseModel):
    """A prompt and responses to it, offered on the tab that ranks."""

    prompt: str = Field(min_length=1)
    responses: list[str] = Field(min_length=1)


class About(BaseModel):
    """What the page's controls offer."""

    reward_model: str | None
    samples: bool = Field(description="false: this server only scores")
    best_of: int
    max_best_of: int
    filters: list[str]
    active_filters: list[str]
    selectors: list[str]
    answer_keys: list[str]
    stop_rules: list[str]
    examples: list[Example]


def add_playground(app: FastAPI, settings: Settings) -> None:
    """Give `app` the page; nothing where the settings close it.

    Raises:
        ConfigError: the file of examples cannot be read.
    """
    if settings.server.playground == "off":
        return
    examples = _examples(settings.server.playground_examples)
    headers = {"content-security-policy": POLICY, "cache-control": "no-cache"}

    @app.get("/", include_in_schema=False)
    async def page(request: Request) -> Response:
        return FileResponse(STATIC / "index.html", headers=headers)

    routes = APIRouter(route_class=ServiceRoute)

    @routes.get("/playground/about", include_in_schema=False)
    async def about(request: Request) -> About:
        service = service_of(request)
        return About(
            reward_model=service.reward_name,
            samples=settings.engine != "none",
            best_of=settings.best_of,
            max_best_of=settings.server.max_best_of,
            filters=sorted(OPEN_FILTERS),
            active_filters=[each.name for each in service.pipeline.filters],
            selectors=sorted(SELECTORS),
            answer_keys=sorted(OPEN_ANSWER_KEYS),
            stop_rules=["none", "auto", *sorted(RULES.keys() - {"auto", "none"})],
            examples=examples,
        )

    app.include_router(routes)
    app.mount(PLAYGROUND.rstrip("/"), StaticFiles(directory=STATIC), name="playground")


def _examples(path: Path | None) -> list[Example]:
    if path is None:
        return []
    try:
        return TypeAdapter(list[Example]).validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise ConfigError(f"playground_examples: {path}: {error}") from error
