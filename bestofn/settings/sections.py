"""Sections of the settings: filters, selector, answer key, policy, profiles, server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from bestofn.control.policy import OnExhausted, Policy
from bestofn.settings.choices import LogFormat
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


class Section(BaseModel):
    """A part of the settings: nothing unknown in it, and it does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _Spec(Section):
    """By name with its options; in a file also ``name`` or ``{name: {option: value}}``."""

    name: str
    options: dict[str, Any] = Field(default_factory=dict)


class FilterSpec(_Spec):
    """A filter."""


class SelectorSettings(_Spec):
    """How the candidates are ordered; see `bestofn.selection`."""

    name: str = "auto"


class AnswerKeySettings(_Spec):
    """What of an answer is voted on; see `bestofn.answers`."""

    name: str = "auto"


_Named = Annotated[dict[str, dict[str, Any] | None], Field(min_length=1, max_length=1)]
FilterSpecs = Annotated[
    list[FilterSpec],
    BeforeValidator(_expand_all, json_schema_input_type=list[str | _Named | FilterSpec]),
]


SelectorSpec = Annotated[
    SelectorSettings,
    BeforeValidator(_expand, json_schema_input_type=str | _Named | SelectorSettings),
]
AnswerKeySpec = Annotated[
    AnswerKeySettings,
    BeforeValidator(_expand, json_schema_input_type=str | _Named | AnswerKeySettings),
]


def with_selector(given: Any) -> Any:
    """Settings as they were written, in which `selector` may have its earlier name, `selection`.

    For a validator before all others: what is no mapping is left to them.
    """
    if not isinstance(given, dict) or "selection" not in given or "selector" in given:
        return given
    return {"selector" if name == "selection" else name: each for name, each in given.items()}


class PolicySettings(Section):
    """What happens when nothing is acceptable; see `bestofn.control.policy.Policy`."""

    on_exhausted: OnExhausted = "resample"
    max_rounds: int = Field(default=2, ge=1)
    max_resample_tokens: int | None = Field(default=None, ge=1)
    max_resample_seconds: float | None = Field(default=None, gt=0)
    deadline_seconds: float | None = Field(default=None, gt=0)

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


class ServerSettings(Section):
    """How `bestofn serve` listens, whom it lets in, and how much it takes on."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    api_keys: list[SecretStr] = Field(default_factory=list, description="any of them lets in")
    api_key_file: Path | None = Field(
        default=None, description="one key a line, `#` comments; read again on SIGHUP"
    )
    cors_origins: list[str] = Field(
        default_factory=list, description="origins that browsers may call from; none: CORS is off"
    )
    max_best_of: int = Field(default=64, ge=1, description="best_of above this is refused")
    max_body_bytes: int = Field(default=8 * 2**20, ge=1024)
    max_tokens_in_flight: int = Field(
        default=2**19,
        ge=1,
        description="candidate tokens that running requests may still sample, best_of times their "
        "limit each; beyond it a request gets 429",
    )
    assumed_max_tokens: int = Field(
        default=1024, ge=1, description="counted for a request that names no limit"
    )
    client_code: bool = Field(
        default=False,
        description="whether clients may send what the code verifier runs: tests as `reference`, "
        "programs as responses",
    )
    request_timeout_seconds: float = Field(default=600, gt=0)
    keep_alive_seconds: float = Field(
        default=15, gt=0, description="between comments on a stream that has nothing to say yet"
    )
    drain_seconds: float = Field(
        default=30, ge=0, description="that running requests have to end after SIGTERM"
    )
    probe_seconds: float = Field(default=10, gt=0, description="how long a readiness probe counts")
    log_format: LogFormat = "text"
