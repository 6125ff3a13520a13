"""GET /v1/models: the engine's models and the profiles, and what scores."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from bestofn.support.error_text import shortened
from bestofn_server.errors import ModelNotFoundError
from bestofn_server.routes.documented import LISTS, errors
from bestofn_server.routes.route import ServiceRoute, service_of
from bestofn_server.service.service import Service


class Model(BaseModel):
    """OpenAI's model object; a profile names its model as `parent`."""

    model_config = ConfigDict(extra="allow")
    id: str
    object: str = "model"
    created: int
    owned_by: str


class ScoringModel(BaseModel):
    """What scores: its name, and whether its rewards hold within one call alone."""

    name: str
    compares: bool = Field(
        description="whether it compares the responses of a call, all of which it has to be sent "
        "together"
    )


class ModelList(BaseModel):
    """OpenAI's list of models, and the reward model beside them."""

    object: str = "list"
    data: list[Model]
    reward_model: ScoringModel | None = Field(
        default=None, description="what POST /v1/rewards asks; null: nothing scores here"
    )


def router() -> APIRouter:
    """The two paths."""
    routes = APIRouter(route_class=ServiceRoute, tags=["models"])

    @routes.get("/v1/models", responses=LISTS)
    async def list_models(request: Request) -> ModelList:
        """Everything that a request may name as its model."""
        return ModelList(
            data=[Model(**each) for each in await _listed(request)],
            reward_model=_scoring_model(service_of(request)),
        )

    @routes.get("/v1/models/{model:path}", responses={**LISTS, **errors(404)})
    async def retrieve_model(model: str, request: Request) -> Model:
        """One of them."""
        for each in await _listed(request):
            if each["id"] == model:
                return Model(**each)
        raise ModelNotFoundError(f"there is no model {shortened(model)!r} here", param="model")

    return routes


def _scoring_model(service: Service) -> ScoringModel | None:
    if service.reward_name is None:
        return None
    return ScoringModel(name=service.reward_name, compares=service.pipeline.compares)


async def _listed(request: Request) -> list[dict[str, Any]]:
    return await service_of(request).models()
