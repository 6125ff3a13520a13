"""Sections of the settings: filters, selector, answer key, policy, profiles, server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    StringConstraints,
    model_validator,
)

from bestofn.control.policy import OnExhausted, Policy
from bestofn.settings.choices import Access, LogFormat
from bestofn.settings.section import MAX_NAME, MAX_OPTIONS, Section
from bestofn.settings.server_limits import ConnectionSettings, KeyLimits
from bestofn.settings.stopping import StopSettings


def _expand_all(value: Any) -> Any:
    return [_expand(item) for item in value] if isinstance(value, list) else value


def _expand(item: Any) -> Any:
    """``repetition`` and ``{repetition: {...}}`` as ``{name: ..., options: ...}``."""
    if isinstance(item, str):
        return {"name": item}
    if isinstance(item, dict) and len(item) == 1 and "name" not in item:
        ((name, options),) = item.items()
        return {"name": name, "options": options or {}}
    return item


def _expand_home(value: str) -> str:
    """``~/model`` as a path; a shell leaves it alone in ``--model=~/model``."""
    return str(Path(value).expanduser()) if value.startswith("~") else value


AtHome = Annotated[str, Field(min_length=1), AfterValidator(_expand_home)]
"""A text that may be a path below ``~``. It is not empty: who writes ``--model "$MODEL"``
without such a variable would otherwise get the embedded model."""


class _Spec(Section):
    """By name with its options; in a file also ``name`` or ``{name: {option: value}}``."""

    name: str = Field(max_length=MAX_NAME)
    options: dict[str, Any] = Field(default_factory=dict, max_length=MAX_OPTIONS)


class FilterSpec(_Spec):
    """A filter."""


class SelectorSettings(_Spec):
    """How the candidates are ordered; see `bestofn.selection`."""

    name: str = Field(default="auto", max_length=MAX_NAME)


class AnswerKeySettings(_Spec):
    """What of an answer is voted on; see `bestofn.answers`."""

    name: str = Field(default="auto", max_length=MAX_NAME)


_Name = Annotated[str, Field(max_length=MAX_NAME)]
_Options = Annotated[dict[str, Any], Field(max_length=MAX_OPTIONS)]
_Named = Annotated[dict[_Name, _Options | None], Field(min_length=1, max_length=1)]
FilterSpecs = Annotated[
    list[FilterSpec],
    BeforeValidator(_expand_all, json_schema_input_type=list[_Name | _Named | FilterSpec]),
]


SelectorSpec = Annotated[
    SelectorSettings,
    BeforeValidator(_expand, json_schema_input_type=_Name | _Named | SelectorSettings),
]
AnswerKeySpec = Annotated[
    AnswerKeySettings,
    BeforeValidator(_expand, json_schema_input_type=_Name | _Named | AnswerKeySettings),
]


def with_selector(given: Any) -> Any:
    """Settings as they were written, in which `selector` may have its earlier name, `selection`.

    For a validator before all others: what is no mapping is left to them.
    """
    if not isinstance(given, dict) or "selection" not in given or "selector" in given:
        return given
    return {"selector" if name == "selection" else name: each for name, each in given.items()}


MOST_GROWTH = 64.0
"""Of `PolicySettings.grow`."""


class PolicySettings(Section):
    """What happens when nothing is acceptable; see `bestofn.control.policy.Policy`."""

    on_exhausted: OnExhausted = Field(
        default="resample",
        description="where nothing is acceptable: sample again, take the best rejected, or fail",
    )
    max_rounds: int = Field(default=2, ge=1, description="of sampling in all, for resample")
    max_resample_tokens: int | None = Field(
        default=None, ge=1, description="no new round once so many were sampled; none: no limit"
    )
    max_resample_seconds: float | None = Field(
        default=None, gt=0, description="no new round after so long; none: no limit"
    )
    grow: float = Field(
        default=1.0,
        ge=1,
        le=MOST_GROWTH,
        description="resample: a round after candidates that were cut at max_tokens gets so many "
        "times as many, up to the model's context; 1: no more than before",
    )
    deadline_seconds: float | None = Field(
        default=None,
        gt=0,
        description="sampling stops then, and the best of what is there is returned; none: never",
    )

    def policy(self) -> Policy:
        """The same as the domain type."""
        return Policy(**self.model_dump())


class Profile(Section):
    """A model name of its own with settings of its own, for clients that can send only a name.

    What is not given here is as in the rest of the settings, and a request may still say otherwise.
    """

    model: str | None = Field(
        default=None, description="what the engine or the upstream is asked for, e.g. a LoRA's name"
    )
    best_of: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0, le=2)
    max_tokens: int | None = Field(default=None, ge=1)
    seed: int | None = None
    filters: FilterSpecs | None = None
    selector: SelectorSpec | None = None
    answer_key: AnswerKeySpec | None = None
    stop: StopSettings | None = None
    policy: PolicySettings | None = None

    _earlier_name = model_validator(mode="before")(with_selector)


def _each_named(profiles: dict[str, Profile]) -> dict[str, Profile]:
    if not all(name.strip() for name in profiles):
        raise ValueError("the name of a profile is empty")
    return profiles


Profiles = Annotated[dict[str, Profile], AfterValidator(_each_named)]
"""By their names, which clients send as a model's."""


class ServerSettings(Section):
    """How `bestofn serve` listens, whom it lets in, and how much it takes on."""

    host: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)] = Field(
        default="127.0.0.1",
        description="address to listen on; one that others reach wants keys",
    )
    port: int = Field(default=8000, ge=0, le=65535, description="0: any that is free")
    api_keys: list[SecretStr] = Field(
        default_factory=list,
        description="any of them lets in; `name:key` gives it a name for log, metrics and `keys`",
    )
    api_key_file: Annotated[Path, AfterValidator(Path.expanduser)] | None = Field(
        default=None,
        description="one `key` or `name:key` a line, `#` comments; read again on SIGHUP",
    )
    no_auth: bool = Field(
        default=False, description="let everybody in, on an address that others reach too"
    )
    key_limits: KeyLimits = Field(
        default=KeyLimits(), description="of each key that `keys` does not name"
    )
    keys: dict[str, KeyLimits] = Field(
        default_factory=dict, description="limits of single keys, by their names"
    )
    connections: ConnectionSettings = ConnectionSettings()
    docs: Access = Field(
        default="open", description="/docs and /openapi.json: open to all, with a key, or off"
    )
    playground: Access = Field(
        default="open",
        description="the page at /: open to all (what it asks for needs a key all the same), with "
        "a key, or off",
    )
    playground_examples: Annotated[Path, AfterValidator(Path.expanduser)] | None = Field(
        default=None,
        description="JSON file of what it offers to rank, a list of prompt and responses",
    )
    metrics: Access = Field(default="open", description="/metrics: open to all, with a key, or off")
    cors_origins: list[str] = Field(
        default_factory=list, description="origins that browsers may call from; none: CORS is off"
    )
    max_best_of: int = Field(default=64, ge=1, description="best_of above this is refused")
    max_candidates: int = Field(
        default=1024, ge=1, description="prompts times best_of of one request; above is refused"
    )
    max_tokens: int = Field(
        default=2**17,
        ge=1,
        description="a request for more tokens a candidate is refused, and so is one for more than "
        "the model's context, where the engine tells it",
    )
    max_body_bytes: int = Field(default=8 * 2**20, ge=1024, description="of one request")
    max_bodies_bytes: int = Field(
        default=128 * 2**20, ge=1024, description="of all requests that are being read; above: 429"
    )
    max_tokens_in_flight: int = Field(
        default=2**19,
        ge=1,
        description="candidate tokens that running requests may still sample, best_of times their "
        "limit each, as far as `grow` may raise it; beyond it a request gets 429, and one that "
        "asks for more by itself 400",
    )
    assumed_max_tokens: int = Field(
        default=1024, ge=1, description="counted for a request that names no limit"
    )
    client_code: bool = Field(
        default=False,
        description="whether clients may send what the code verifier runs: tests as `reference`, "
        "programs as responses",
    )
    request_timeout_seconds: float = Field(
        default=600, gt=0, description="of a request from its admission to the end of its answer"
    )
    keep_alive_seconds: float = Field(
        default=15, gt=0, description="between comments on a stream that has nothing to say yet"
    )
    drain_seconds: float = Field(
        default=30, ge=0, description="that running requests have to end after SIGTERM"
    )
    probe_seconds: float = Field(default=10, gt=0, description="how long a readiness probe counts")
    log_format: LogFormat = Field(default="text", description="of the log's lines")
