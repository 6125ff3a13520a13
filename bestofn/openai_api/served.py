"""What a server serves, by its own list of models (``GET /v1/models``).

Example:
    name = await served_model(http, url, model=None)      the only model, or a ConfigError
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import httpx
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from bestofn.core.errors import ConfigError
from bestofn.openai_api.connection import TRANSPORT_ERRORS
from bestofn.support.plain_json import parsed
from bestofn.support.url import shown_url

logger = logging.getLogger(__name__)


def _known(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    try:
        return read(value)
    except ValueError:
        return None


_OrUnknown = WrapValidator(_known)
"""A value of another form is not known."""


class ServedModel(BaseModel):
    """One entry of the list; vLLM and SGLang say more than OpenAI's API has.

    Args:
        id: the name that requests carry.
        root: where the model was loaded from; None: not said.
        max_model_len: tokens of the longest text that it takes; None: not said.
    """

    model_config = ConfigDict(coerce_numbers_to_str=True)
    id: str
    root: Annotated[str | None, _OrUnknown] = None
    max_model_len: Annotated[int | None, Field(gt=0), _OrUnknown] = None


class _Models(BaseModel):
    data: list[Any]


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
        why = str(error) or type(error).__name__
        raise ConfigError(f"{shown_url(url)} cannot be reached: {why}") from error


def models_in(response: httpx.Response) -> list[ServedModel]:
    """The models that a server lists; none where its answer is no list."""
    try:
        listed = _Models.model_validate(parsed(response.content)).data
    except ValueError:  # pydantic's own among them
        return []
    return [model for each in listed if (model := _served(each)) is not None]


def _served(entry: Any) -> ServedModel | None:
    """An entry of the list; None: it names no model."""
    try:
        return ServedModel.model_validate(entry)
    except ValueError:
        return None


async def listed_models(http: httpx.AsyncClient, url: str) -> list[ServedModel]:
    """The models that a server lists; none where it lists none.

    Args:
        http: from `open_http`.
        url: what the user called the server.

    Raises:
        ConfigError: the server cannot be reached, or refuses the key.
    """
    response = await reach(http, "models", url)
    if response.status_code in (401, 403):
        raise ConfigError(f"{shown_url(url)} refuses the API key (status {response.status_code})")
    return models_in(response)


async def served_model(http: httpx.AsyncClient, url: str, model: str | None) -> str:
    """The name of the model to ask for: the one given, else the only one served.

    Args:
        http, url: as `listed_models`.
        model: given by the user.

    Raises:
        ConfigError: as `listed_models`; or it serves several models and none is given.
    """
    listed = await listed_models(http, url)
    return only_model(listed, url) if model is None else model  # not every server lists its own


def only_model(listed: Sequence[ServedModel], url: str) -> str:
    """The name of the only model that a server lists.

    Raises:
        ConfigError: it lists several, or none.
    """
    names = [each.id for each in listed]
    if len(names) != 1:
        found = f"it lists {', '.join(names)}" if names else "it lists none"
        raise ConfigError(f"name the model that {shown_url(url)} is to be asked for: {found}")
    return names[0]


async def model_of_all(
    opened: Mapping[str, httpx.AsyncClient], model: str | None
) -> tuple[str, int | None]:
    """The model to ask for, which every server serves that says what it serves; and its context,
    the least that one of them says.

    One that cannot be reached is told in the log, as long as another can.

    Raises:
        ConfigError: no server can be reached, one refuses the key or does not serve the model, or
            it serves several models and none is named.
    """
    faults: list[ConfigError] = []
    served: list[ServedModel] = []
    for url, http in opened.items():
        try:
            listed = await listed_models(http, url)
        except ConfigError as error:
            if len(opened) > 1:
                logger.warning("%s", error)
            faults.append(error)
            continue
        served += listed
        if model is None:
            model = only_model(listed, url)
        elif len(opened) > 1 and listed and model not in [each.id for each in listed]:
            raise ConfigError(f"{shown_url(url)} does not serve {model}")
    if model is None or len(faults) == len(opened):
        raise faults[0]
    known = [each.max_model_len for each in served if each.id == model]
    return model, min((each for each in known if each), default=None)
