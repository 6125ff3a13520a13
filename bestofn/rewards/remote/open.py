"""Opening a reward model on a server: its API is detected, its texts made, its rewards checked.

Example:
    async with open_reward_server(RewardServerSettings(url="http://gpu-2:8001")) as reward_model:
        scores = await reward_model.score(request, candidates)
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

from bestofn.core.errors import ConfigError
from bestofn.core.protocols import RewardModel
from bestofn.openai_api.client import ApiClient
from bestofn.openai_api.connection import open_http
from bestofn.rewards.checkpoints.text_only import load_text_maker
from bestofn.rewards.remote.activation import refuse_activation
from bestofn.rewards.remote.bestofn_server import BestofnServer
from bestofn.rewards.remote.detect_api import ServerDescription, api_of, describe
from bestofn.rewards.remote.rerank_server import RerankServer
from bestofn.rewards.remote.text_server import TextServer
from bestofn.rewards.remote.wire_formats import RERANK_APIS, TEXT_APIS, WHO
from bestofn.rewards.text.text_maker import TextMaker
from bestofn.settings.reward_server import RewardApi, RewardServerSettings
from bestofn.settings.rewards import RewardSettings
from bestofn.support.url import shown_url


@contextlib.asynccontextmanager
async def open_reward_server(settings: RewardServerSettings) -> AsyncIterator[RewardModel]:
    """A reward model on a server.

    Raises:
        ConfigError: a setting is wrong, the server cannot be reached, its API cannot be told, it
            serves several models and none is named, or its rewards are not raw.
        ModelError: the tokenizer is not there, or nothing says how the text is made.
    """
    url, limit = shown_url(settings.url), settings.concurrency
    root = _root(settings.url)
    async with open_http(root, root="/", api_key=settings.api_key, concurrency=limit) as http:
        said = await describe(http, url)
        api = api_of(said, url) if settings.api == "auto" else settings.api
        client = ApiClient(http, who=WHO, concurrency=limit)
        model = settings.model or said.model
        if api == "bestofn":
            _refuse_text_settings(settings, api)
            yield BestofnServer(client, settings.model, compares=said.compares)
        elif api in RERANK_APIS:
            _refuse_text_settings(settings, api)
            reranker = RerankServer(RERANK_APIS[api], client, model)
            if settings.check_activation:
                switches = RERANK_APIS[api].switches_activation
                await refuse_activation(reranker, url, switches=switches)
            yield reranker
        else:
            server = TextServer(TEXT_APIS[api], client, model, _texts(settings, said))
            with contextlib.closing(server):
                if settings.check_activation:
                    switches = TEXT_APIS[api].switches_activation
                    await refuse_activation(server, url, switches=switches)
                yield server


def _root(url: str) -> str:
    """The server's root: some of the paths stand beside /v1, not below it."""
    path, mark, query = url.partition("?")
    return path.rstrip("/").removesuffix("/v1") + mark + query


_OF_TEXTS = (
    *("tokenizer", "format", "template", "reasoning", "images", "too_long"),
    "trust_remote_code",
)
"""Settings of who makes the texts."""


def _refuse_text_settings(settings: RewardServerSettings, api: RewardApi) -> None:
    """Refuse what says how a text is made, where the server makes it.

    Raises:
        ConfigError: there is such a setting.
    """
    wrong = [
        name
        for name in _OF_TEXTS
        if getattr(settings, name) != type(settings).model_fields[name].default
    ]
    if wrong:
        raise ConfigError(
            f"{shown_url(settings.url)} is asked as {api}, which makes its own texts: leave out "
            f"{' and '.join(wrong)}"
        )


def _texts(settings: RewardServerSettings, said: ServerDescription) -> TextMaker:
    """What makes the texts that the server reads, none longer than it takes.

    Raises:
        ConfigError: nothing says which checkpoint is served.
        ModelError: as `load_text_maker`.
    """
    source = settings.tokenizer or said.checkpoint or settings.model
    if source is None:
        raise ConfigError(
            f"{shown_url(settings.url)} does not say which model it serves: name its tokenizer"
        )
    text_settings = RewardSettings(
        format=settings.format,
        template=settings.template,
        reasoning=settings.reasoning,
        images=settings.images,
        too_long=settings.too_long,
        trust_remote_code=settings.trust_remote_code,
    )
    texts = load_text_maker(source, text_settings)
    limits = [most for most in (texts.max_tokens, said.max_tokens) if most]
    return replace(texts, max_tokens=min(limits, default=None))
