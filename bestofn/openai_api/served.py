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
from bestofn.openai_api.connection import TIMEOUT, TRANSPORT_ERRORS
from bestofn.openai_api.faults import without_keys
from bestofn.openai_api.redirect import redirected
from bestofn.openai_api.status import is_redirect, phrase_of
from bestofn.support.error_text import shortened
from bestofn.support.plain_json import parsed
from bestofn.support.url import shown_url

logger = logging.getLogger(__name__)

LISTING = "models"
"""The path of the list, below the API's root."""

PATIENCE = 5.0
"""Seconds without a byte of a list that is not needed, since the model is named: half of what a
start has at least (`bestofn.cli.within`). A server that is asleep, or loads its model, answers the
first request later than that."""

MOST_OF_KIND = 80
"""Characters of a content type that are shown."""


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
        raise _unreachable(url, error) from error


def _unreachable(url: str, error: Exception) -> ConfigError:
    why = str(error) or type(error).__name__
    return ConfigError(f"{shown_url(url)} cannot be reached: {why}")


def models_in(response: httpx.Response) -> list[ServedModel]:
    """The models that a server lists; none where its answer is no list."""
    return _read(response) or []


def _read(response: httpx.Response) -> list[ServedModel] | None:
    """The models that an answer lists; None: it is no list of models."""
    try:
        listed = _Models.model_validate(parsed(response.content)).data
    except ValueError:  # pydantic's own among them
        return None
    return [model for each in listed if (model := _served(each)) is not None]


def _served(entry: Any) -> ServedModel | None:
    """An entry of the list; None: it names no model."""
    try:
        return ServedModel.model_validate(entry)
    except ValueError:
        return None


async def listed_models(
    http: httpx.AsyncClient, url: str, model: str | None = None
) -> list[ServedModel]:
    """The models that a server lists; none where it lists none.

    Where the model is named the list is not needed, and not every server has one: that it does not
    come in time, or is something else, is told in the log.

    Args:
        http: from `open_http`.
        url: what the user called the server.
        model: that is to be asked for; None: the list has to say it.

    Raises:
        ConfigError: the server cannot be reached, refuses the key or redirects; or the list is
            needed, and it answers with something else.
    """
    short = httpx.Timeout(PATIENCE, connect=TIMEOUT.connect, pool=TIMEOUT.pool)
    try:
        response = await http.get(LISTING, timeout=TIMEOUT if model is None else short)
    except TRANSPORT_ERRORS as error:
        if model is None or not isinstance(error, httpx.ReadTimeout):
            raise _unreachable(url, error) from error
        late = f"{shown_url(url)} has not listed its models within {PATIENCE:g} s"
        logger.warning("%s: the context of %s is not known", late, model)
        return []
    return _listed_in(response, url, model)


def _listed_in(response: httpx.Response, url: str, model: str | None) -> list[ServedModel]:
    """The models that an answer lists; see `listed_models`.

    Raises:
        ConfigError: it refuses the key or redirects; or it is no list, and that is needed.
    """
    status = response.status_code
    if status in (401, 403):
        raise ConfigError(f"{shown_url(url)} refuses the API key (status {status})")
    if is_redirect(status):
        raise ConfigError(redirected(response, LISTING, url))
    listed = _read(response) if response.is_success else []
    if listed is None:
        kind = _kind_of(response)
        found = f"{shown_url(url)} answers {kind}, no list of models"
        what = f"{found}: is this the root of an OpenAI API?"
        if model is None:
            raise ConfigError(what)
        logger.warning("%s", what)
    elif model is None and not response.is_success:
        raise ConfigError(
            f"name the model that {shown_url(url)} is to be asked for: it answers "
            f"{status}{phrase_of(status)} where models are listed"
        )
    return listed or []


def _kind_of(response: httpx.Response) -> str:
    """What an answer of success says that it is."""
    status = response.status_code
    if not response.content:
        return f"nothing (status {status})"
    kind = response.headers.get("content-type", "").partition(";")[0].strip()
    return shortened(without_keys(kind), MOST_OF_KIND) or "something without a content type"


async def served_model(http: httpx.AsyncClient, url: str, model: str | None) -> str:
    """The name of the model to ask for: the one given, else the only one served.

    Args:
        http, url: as `listed_models`.
        model: given by the user.

    Raises:
        ConfigError: as `listed_models`; or it serves several models and none is given.
    """
    listed = await listed_models(http, url, model)
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
            listed = await listed_models(http, url, model)
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
