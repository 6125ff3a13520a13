"""Detection of a reward server's API from what it says of itself: its paths, models and info.

`describe` asks (``/openapi.json``, ``/v1/models``, TEI's ``/info``); `api_of` concludes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from bestofn.core.errors import ConfigError
from bestofn.openai_api.served import models_in, reach
from bestofn.rewards.remote.wire_formats import RERANK_APIS, TEXT_APIS
from bestofn.settings.reward_server import RewardApi
from bestofn.support.url import shown_url


class _Paths(BaseModel):
    paths: dict[str, Any]


class _ScoringModel(BaseModel):
    compares: bool = False


class _Listing(BaseModel):
    reward_model: _ScoringModel | None = None


class _Info(BaseModel):
    model_id: str
    model_type: dict[str, Any] | str = ""
    max_input_length: int | None = None


Reply = TypeVar("Reply", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class ServerDescription:
    """What a server says of itself.

    Args:
        paths: that it has.
        model: its only model's name; None: it has several, or does not say.
        checkpoint: folder or hub name that the model was loaded from; None: not said.
        max_tokens: the longest text that it takes; None: not said.
        tei_type: TEI's word for the model's kind; "" for other servers.
        compares: whether its reward model compares the candidates of a call, as bestofn's servers
            say; see `bestofn.core.protocols.Comparing`.
    """

    paths: frozenset[str]
    model: str | None = None
    checkpoint: str | None = None
    max_tokens: int | None = None
    tei_type: str = ""
    compares: bool = False


async def describe(http: httpx.AsyncClient, url: str) -> ServerDescription:
    """What the server says of itself.

    Args:
        http: its base_url is the server's root.
        url: what the user called it.

    Raises:
        ConfigError: it cannot be reached, or, a bestofn server, does not say what it serves.
    """
    paths = _read(_Paths, await reach(http, "openapi.json", url))
    listing = await reach(http, "v1/models", url)
    if paths is not None and "/v1/rewards" in paths.paths and not listing.is_success:
        status = f"answers {listing.status_code} where it lists its models"
        raise ConfigError(f"{shown_url(url)} {status}: whether its rewards compare is not known")
    models = models_in(listing)
    info = _read(_Info, await reach(http, "info", url))
    scoring = listed.reward_model if (listed := _read(_Listing, listing)) else None
    said = ServerDescription(
        frozenset(paths.paths if paths else ()), compares=scoring is not None and scoring.compares
    )
    if len(models) == 1:
        (only,) = models
        checkpoint = only.root or only.id
        return replace(said, model=only.id, checkpoint=checkpoint, max_tokens=only.max_model_len)
    if info is not None:
        kind = next(iter(info.model_type)) if isinstance(info.model_type, dict) else info.model_type
        return replace(
            said,
            model=info.model_id,
            checkpoint=info.model_id,
            max_tokens=info.max_input_length,
            tei_type=kind.lower(),
        )
    return said


def api_of(said: ServerDescription, url: str) -> RewardApi:
    """The API that a server has, by what it says of itself.

    Raises:
        ConfigError: it cannot be told.
    """
    if "/v1/rewards" in said.paths:
        return "bestofn"
    if said.tei_type in ("classifier", "reranker"):
        return "tei-predict" if said.tei_type == "classifier" else "tei-rerank"
    if "/pooling" in said.paths:
        return "vllm-classify" if "/classify" in said.paths else "vllm-pooling"
    if "/classify" in said.paths:
        return "sglang-classify"
    if "/v1/rerank" in said.paths:
        return "rerank"
    known = ", ".join(["bestofn", *TEXT_APIS, *RERANK_APIS])
    raise ConfigError(f"{url}: how it is asked for rewards cannot be told; name api: {known}")


def _read(kind: type[Reply], response: httpx.Response) -> Reply | None:
    if not response.is_success:
        return None
    try:
        return kind.model_validate_json(response.content)
    except ValidationError:
        return None
