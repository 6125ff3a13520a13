"""Owns opening a reward model on a server: which API it has, what it serves, whether it is raw."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import httpx
from pydantic import BaseModel, ValidationError

from bestofn.core.errors import ConfigError
from bestofn.core.protocols import RewardModel
from bestofn.openai_api.client import FAULTS, ApiClient, open_http
from bestofn.rewards.checkpoints.text_only import load_text_maker
from bestofn.rewards.remote.activation import refuse_activation
from bestofn.rewards.remote.bestofn_server import BestofnServer
from bestofn.rewards.remote.rerank_server import RerankServer
from bestofn.rewards.remote.text_server import TextServer
from bestofn.rewards.remote.wire_formats import RERANK_APIS, TEXT_APIS, WHO, ApiName
from bestofn.settings.choices import TooLong
from bestofn.settings.rewards import RewardSettings


class _Paths(BaseModel):
    paths: dict[str, Any]


class _Model(BaseModel):
    id: str
    root: str | None = None
    max_model_len: int | None = None


class _Models(BaseModel):
    data: list[_Model]


class _Info(BaseModel):
    model_id: str
    model_type: dict[str, Any] | str = ""
    max_input_length: int | None = None


@dataclass(frozen=True, slots=True)
class _Served:
    """What a server says of itself.

    Args:
        paths: that it has.
        model: its only model's name; None: it has several, or does not say.
        weights: where that model was loaded from.
        max_tokens: the longest text that it takes.
        info: TEI's word for the model's kind.
    """

    paths: frozenset[str]
    model: str | None = None
    weights: str | None = None
    max_tokens: int | None = None
    info: str = ""


@contextlib.asynccontextmanager
async def remote_reward_model(
    url: str,
    *,
    api: ApiName | Literal["auto"] = "auto",
    model: str | None = None,
    tokenizer: str | None = None,
    format: str | None = None,  # noqa: A002 - the setting's name everywhere
    template: str | None = None,
    too_long: TooLong = "error",
    api_key: str | None = None,
    concurrency: int = 64,
    check_activation: bool = True,
    trust_remote_code: bool = False,
) -> AsyncIterator[RewardModel]:
    """A reward model on a server.

    Args:
        url: the server's.
        api: how it is asked; auto: found out from the paths that it has.
        model: its name there; None: the only one.
        tokenizer: folder or hub name of the checkpoint that is served, for its texts; None: where
            the server says that it was loaded from. Rerankers and bestofn need none.
        format: see `bestofn.settings.rewards.RewardSettings`.
        template: likewise.
        too_long: likewise.
        api_key: sent as a bearer token.
        concurrency: requests in flight at most.
        check_activation: refuse a server whose rewards may be behind a sigmoid.
        trust_remote_code: whether code that came with the tokenizer may run.

    Raises:
        ConfigError: an argument is wrong, the server cannot be reached, its API cannot be told, it
            serves several models and none is named, or its rewards are not raw.
        ModelError: the tokenizer is not there, or nothing says how the text is made.
    """
    async with open_http(_root(url), root="/", api_key=api_key, concurrency=concurrency) as http:
        served = await _served(http, url)
        name = _api(served, url) if api == "auto" else api
        client = ApiClient(http, who=WHO, concurrency=concurrency)
        if name == "bestofn":
            _refuse(url, name, tokenizer=tokenizer, format=format, template=template)
            yield BestofnServer(client, model)
            return
        asked = model or served.model
        if name in RERANK_APIS:
            _refuse(url, name, tokenizer=tokenizer, format=format, template=template)
            reranker = RerankServer(RERANK_APIS[name], client, asked)
            if check_activation:
                await refuse_activation(reranker, url, switches=RERANK_APIS[name].switches)
            yield reranker
            return
        source = tokenizer or served.weights or asked
        if source is None:
            raise ConfigError(f"{url} does not say which model it serves: name its tokenizer")
        settings = RewardSettings(
            format=format, template=template, too_long=too_long, trust_remote_code=trust_remote_code
        )
        texts = load_text_maker(source, settings)
        limits = [limit for limit in (texts.max_tokens, served.max_tokens) if limit]
        texts = replace(texts, max_tokens=min(limits, default=None))
        server = TextServer(TEXT_APIS[name], client, asked, texts)
        try:
            if check_activation:
                await refuse_activation(server, url, switches=TEXT_APIS[name].switches)
            yield server
        finally:
            server.close()


def _root(url: str) -> str:
    """The server's root: some of the paths stand beside /v1, not below it."""
    return url.rstrip("/").removesuffix("/v1")


def _refuse(url: str, name: str, **given: str | None) -> None:
    if wrong := [key for key, value in given.items() if value is not None]:
        raise ConfigError(
            f"{url} is asked as {name}, which makes its own texts: leave out {' and '.join(wrong)}"
        )


async def _served(http: httpx.AsyncClient, url: str) -> _Served:
    try:
        paths = _read(_Paths, await http.get("openapi.json"))
        models = _read(_Models, await http.get("v1/models"))
        info = _read(_Info, await http.get("info"))
    except FAULTS as error:
        raise ConfigError(f"{url} cannot be reached: {error or type(error).__name__}") from error
    found = _Served(frozenset(paths.paths if paths else ()))
    if models is not None and len(models.data) == 1:
        (only,) = models.data
        return replace(
            found, model=only.id, weights=only.root or only.id, max_tokens=only.max_model_len
        )
    if info is not None:
        kind = next(iter(info.model_type)) if isinstance(info.model_type, dict) else info.model_type
        return replace(
            found,
            model=info.model_id,
            weights=info.model_id,
            max_tokens=info.max_input_length,
            info=kind.lower(),
        )
    return found


def _read(kind: Any, response: httpx.Response) -> Any:
    if not response.is_success:
        return None
    try:
        return kind.model_validate_json(response.content)
    except ValidationError:
        return None


def _api(served: _Served, url: str) -> ApiName:
    """The API that a server has, by what it says of itself.

    Raises:
        ConfigError: it cannot be told.
    """
    if "/v1/rewards" in served.paths:
        return "bestofn"
    if served.info in ("classifier", "reranker"):
        return "tei-predict" if served.info == "classifier" else "tei-rerank"
    if "/pooling" in served.paths:
        return "vllm-classify" if "/classify" in served.paths else "vllm-pooling"
    if "/classify" in served.paths:
        return "sglang-classify"
    if "/v1/rerank" in served.paths:
        return "rerank"
    known = ", ".join(["bestofn", *TEXT_APIS, *RERANK_APIS])
    raise ConfigError(f"{url}: how it is asked for rewards cannot be told; name api: {known}")
