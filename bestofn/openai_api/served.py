"""What a server serves, by its own list of models (``GET /v1/models``).

Example:
    name = await served_model(http, url, model=None)      the only model, or a ConfigError
"""

from __future__ import annotations

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from bestofn.core.errors import ConfigError
from bestofn.openai_api.client import TRANSPORT_ERRORS


class ServedModel(BaseModel):
    """One entry of the list; vLLM and SGLang say more than OpenAI's API has.

    Args:
        id: the name that requests carry.
        root: where the model was loaded from; None: not said.
        max_model_len: tokens of the longest text that it takes; None: not said.
    """

    model_config = ConfigDict(coerce_numbers_to_str=True)
    id: str
    root: str | None = None
    max_model_len: int | None = None


class _Models(BaseModel):
    data: list[ServedModel]


async def reach(http: httpx.AsyncClient, path: str, url: str) -> httpx.Response:
    """The answer to a GET, whatever its status.

    Args:
        http: from `open_http`.
        path: below its base_url.
        url: what the user called the server.

    Raises:
        ConfigError: the server cannot be reached.
    """
    try:
        return await http.get(path)
    except TRANSPORT_ERRORS as error:
        raise ConfigError(f"{url} cannot be reached: {error or type(error).__name__}") from error


def models_in(response: httpx.Response) -> list[ServedModel]:
    """The models that a server lists; none where its answer is no list."""
    try:
        return _Models.model_validate_json(response.content).data
    except ValidationError:
        return []


async def served_model(http: httpx.AsyncClient, url: str, model: str | None) -> str:
    """The name of the model to ask for: the one given, else the only one served.

    Args:
        http: from `open_http`.
        url: what the user called the server.
        model: given by the user.

    Raises:
        ConfigError: the server cannot be reached, refuses the key, or serves several models and
            none is given.
    """
    response = await reach(http, "models", url)
    if response.status_code in (401, 403):
        raise ConfigError(f"{url} refuses the API key (status {response.status_code})")
    if model is not None:
        return model  # not every server lists what it serves
    names = [each.id for each in models_in(response)]
    if len(names) != 1:
        listed = f"it lists {', '.join(names)}" if names else "it lists none"
        raise ConfigError(f"name the model that {url} is to be asked for: {listed}")
    return names[0]
