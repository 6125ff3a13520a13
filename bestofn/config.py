"""Owns the settings: what a pipeline is made of, from file, environment and flags.

Precedence, weakest first: YAML file, environment (``BESTOFN_BEST_OF=16``,
``BESTOFN_REWARD__DEVICE=cpu``), flags, the request.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    YamlConfigSettingsSource,
)
from yaml import YAMLError

from bestofn.errors import ConfigError
from bestofn.ranking import OnExhausted, Policy
from bestofn.types import Engine

NO_REWARD_MODEL = "none"
"""The `reward_model` that only filters."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FilterSpec(_Section):
    """A filter by name with its options; in a file also ``name`` or ``{name: {option: value}}``."""

    name: str
    options: dict[str, Any] = Field(default_factory=dict)


class RewardSettings(_Section):
    """How the reward model is read and run; see `bestofn.rewards.transformers`."""

    format: str | None = Field(
        default=None, description="named text format; none: recognised or template"
    )
    template: str | None = Field(
        default=None, description="Jinja template of the text, instead of both"
    )
    device: str = Field(default="auto", description="a torch device; auto: CUDA where there is one")
    dtype: str = Field(
        default="auto", description="a torch dtype; auto: half on a GPU, float32 on a CPU"
    )
    max_batch_tokens: int = Field(
        default=8192, ge=1, description="padded tokens in one forward, at most"
    )
    trust_remote_code: bool = False


class SelectionSettings(_Section):
    """How the scored are ordered."""

    name: str = "argmax"
    options: dict[str, Any] = Field(default_factory=dict)


class PolicySettings(_Section):
    """What happens when nothing is acceptable; see `bestofn.ranking.Policy`."""

    on_exhausted: OnExhausted = "resample"
    max_rounds: int = Field(default=2, ge=1)
    max_resample_tokens: int | None = Field(default=None, ge=1)
    max_resample_seconds: float | None = Field(default=None, gt=0)
    deadline_seconds: float | None = Field(default=None, gt=0)

    def policy(self) -> Policy:
        """The same as the domain type."""
        return Policy(**self.model_dump())


class Settings(BaseSettings):
    """Everything that makes a pipeline. Read it with `Settings.load`, or construct it in code."""

    model_config = SettingsConfigDict(
        env_prefix="BESTOFN_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    model: str | None = Field(
        default=None, description="folder or hub name; none: the embedded generator"
    )
    reward_model: str | None = Field(
        default=None, description="folder or hub name; `none` only filters; unset: the embedded one"
    )
    engine: Engine = Field(
        default="auto", description="auto: the upstream where one is named, else vLLM"
    )
    upstream: str | None = Field(
        default=None, description="URL of an OpenAI-compatible server that samples"
    )
    upstream_api_key: SecretStr | None = Field(default=None, description="its API key")
    upstream_concurrency: int = Field(
        default=256, ge=1, description="requests to the upstream in flight at most"
    )
    engine_args: list[str] = Field(
        default_factory=list, description="flags of `vllm serve`, one list item each"
    )
    loop_stop: bool = Field(default=True, description="let vLLM stop a candidate that loops")
    best_of: int = Field(default=8, ge=1)
    temperature: float | None = Field(default=None, ge=0, le=2)
    max_tokens: int | None = Field(default=None, ge=1)
    seed: int | None = None
    filters: list[FilterSpec] = Field(
        default_factory=lambda: [
            FilterSpec(name="empty"),
            FilterSpec(name="repetition"),
            FilterSpec(name="truncation"),
        ]
    )
    reward: RewardSettings = RewardSettings()
    selection: SelectionSettings = SelectionSettings()
    policy: PolicySettings = PolicySettings()

    @field_validator("filters", mode="before")
    @classmethod
    def _short_forms(cls, value: Any) -> Any:
        return [_expand(item) for item in value] if isinstance(value, list) else value

    @classmethod
    def load(cls, file: Path | None = None, **flags: Any) -> Self:
        """Settings from `file` (YAML), the environment and `flags` (None: not given).

        Raises:
            ConfigError: the file cannot be read, or a value is wrong; every wrong one is named.
        """
        given = {name: value for name, value in flags.items() if value is not None}
        where = f"{file}: " if file is not None else ""
        if file is not None and not file.is_file():
            raise ConfigError(f"{file}: no such file")

        class FromFile(cls):  # type: ignore[valid-type, misc]
            @classmethod
            def settings_customise_sources(
                cls,
                settings_cls: type[BaseSettings],
                init_settings: PydanticBaseSettingsSource,
                env_settings: PydanticBaseSettingsSource,
                dotenv_settings: PydanticBaseSettingsSource,
                file_secret_settings: PydanticBaseSettingsSource,
            ) -> tuple[PydanticBaseSettingsSource, ...]:
                yaml = YamlConfigSettingsSource(settings_cls, yaml_file=file)
                return init_settings, env_settings, yaml

        try:
            return cls.model_construct(**dict(FromFile(**given)))
        except ValidationError as error:
            wrong = (
                f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}"
                for each in error.errors(include_url=False)
            )
            raise ConfigError(where + "; ".join(wrong)) from error
        except (SettingsError, YAMLError, UnicodeDecodeError) as error:
            raise ConfigError(where + " ".join(str(error).split())) from error
        except TypeError as error:  # the YAML is a list or a lone value
            raise ConfigError(f"{where}the file must hold a mapping of settings") from error


def _expand(item: Any) -> Any:
    """``repetition`` and ``{repetition: {...}}`` as ``{name: ..., options: ...}``."""
    if isinstance(item, str):
        return {"name": item}
    if isinstance(item, dict) and len(item) == 1 and "name" not in item:
        ((name, options),) = item.items()
        return {"name": name, "options": options or {}}
    return item
