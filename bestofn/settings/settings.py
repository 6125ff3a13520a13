"""The settings: what a pipeline is made of, from file, environment and flags.

    Settings.load(Path("settings.yaml"), best_of=16)      # a flag wins over the file

Precedence, weakest first: YAML file, environment (``BESTOFN_BEST_OF=16``,
``BESTOFN_REWARD__DEVICE=cpu``; `bestofn.settings.environment`), flags, the request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)
from yaml import YAMLError

from bestofn.core.errors import ConfigError
from bestofn.settings.choices import Engine
from bestofn.settings.environment import Environment
from bestofn.settings.generators import GeneratorSpec, Upstream
from bestofn.settings.nearest import hint
from bestofn.settings.rewards import EnsembleSettings, RewardSettings, RewardSpecs
from bestofn.settings.section import Numbered
from bestofn.settings.sections import (
    AnswerKeySettings,
    AnswerKeySpec,
    AtHome,
    FilterSpec,
    FilterSpecs,
    PolicySettings,
    Profiles,
    SelectorSettings,
    SelectorSpec,
    ServerSettings,
    with_selector,
)
from bestofn.settings.stopping import StopSettings
from bestofn.settings.variables import NESTED, PREFIX, variable_of
from bestofn.settings.yaml_values import told, values_of
from bestofn.support.error_text import Fault, all_faults, faults

BRANCHES = ("str", "list[str]", "constrained-str", "list[constrained-str]")
"""Parts of paths in errors that stand for one way to write a setting that has several."""

NO_REWARD_MODEL = "none"
"""The `reward_model` that says that nothing scores: candidates win by agreement."""


class Settings(Numbered, BaseSettings):
    """Everything that makes a pipeline. Read it with `Settings.load`, or construct it in code."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter=NESTED, extra="forbid", frozen=True
    )

    model: AtHome | None = Field(
        default=None, description="folder or hub name; none: the embedded generator"
    )
    reward_model: AtHome | None = Field(
        default=None,
        description="folder, hub name or the URL of a server that scores; `none`: nothing does; "
        "unset: the embedded one for the embedded generator, nothing for another",
    )
    rewards: RewardSpecs = Field(
        default_factory=list, description="what scores, instead of `reward_model`"
    )
    ensemble: EnsembleSettings | None = Field(
        default=None, description="how several rewards become one; none: mean of z-scores"
    )
    engine: Engine = Field(
        default="auto",
        description="auto: the upstream where one is named, else vLLM; none: only scores",
    )
    upstream: Upstream | None = Field(
        default=None,
        description="URL of an OpenAI-compatible server that samples; of several, which serve the "
        "same model, one is asked where those before it fail",
    )
    upstream_api_key: SecretStr | None = Field(default=None, description="its API key")
    upstream_concurrency: int = Field(
        default=256, ge=1, description="requests to the upstream in flight at most"
    )
    upstream_max_bytes: int = Field(
        default=16 * 2**20, ge=1024, description="of one answer of the upstream, unpacked"
    )
    generators: list[GeneratorSpec] = Field(
        default_factory=list,
        max_length=64,
        description="several that share each request's candidates, which compete; instead of "
        "`model` and `upstream`",
    )
    engine_args: list[str] = Field(
        default_factory=list, description="flags of `vllm serve`, one list item each"
    )
    chat_template: str | None = Field(
        default=None,
        description="of the generator: a shipped one (ziya-13b), Jinja or a file with it; an "
        "upstream's chats are then rendered here and sent as raw completions. none: the engine's "
        "own; unset: the shipped one of the model's name, where its checkpoint has none",
    )
    loop_stop: bool = Field(default=True, description="let vLLM stop a candidate that loops")
    best_of: int = Field(default=8, ge=1, description="candidates of a prompt, at most")
    temperature: float | None = Field(
        default=None, ge=0, le=2, description="of the sampling; none: as the engine has it"
    )
    max_tokens: int | None = Field(
        default=None, ge=1, description="of one candidate; none: as many as the engine takes"
    )
    seed: int | None = Field(
        default=None, description="candidate i samples with seed + i; none: another each time"
    )
    request_timeout_seconds: float | None = Field(
        default=1800,
        gt=0,
        description="within which `ask` and a row of `sample` are done, or fail; none: no limit. "
        "`serve` has its own under `server`",
    )
    filters: FilterSpecs = Field(
        default_factory=lambda: [
            FilterSpec(name="empty"),
            FilterSpec(name="template_token"),
            FilterSpec(name="repetition"),
            FilterSpec(name="truncation"),
            FilterSpec(name="tool_calls"),
            FilterSpec(name="json_schema"),
            FilterSpec(name="control_characters"),
            FilterSpec(name="script"),
        ],
        description="what rejects candidates, each by its name, or with options of its own",
    )
    reward: RewardSettings = RewardSettings()
    selector: SelectorSpec = Field(
        default=SelectorSettings(),
        description="which candidate wins; auto: by weighted vote, reward or consensus",
    )
    answer_key: AnswerKeySpec = Field(
        default=AnswerKeySettings(),
        description="what of an answer is voted on; auto: what suits prompt and answers",
    )
    stop: StopSettings = StopSettings()
    unsafe_code: bool = Field(
        default=False,
        description="whether the code verifier may run programs without walls, where there is no "
        "bubblewrap and the system allows no namespaces",
    )
    policy: PolicySettings = PolicySettings()
    profiles: Profiles = Field(
        default_factory=dict, description="further model names of the server, by name"
    )
    server: ServerSettings = ServerSettings()

    _earlier_name = model_validator(mode="before")(with_selector)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Where settings come from, strongest first: see `pydantic_settings.BaseSettings`."""
        return init_settings, Environment(settings_cls)

    @classmethod
    def load(cls, file: Path | None = None, **flags: Any) -> Self:
        """Settings from `file` (YAML), the environment and `flags` (None: not given).

        Raises:
            ConfigError: the file cannot be read, or a value is wrong; every wrong one is named.
        """
        given = {name: value for name, value in flags.items() if value is not None}
        file = None if file is None else file.expanduser()
        where = f"{file}: " if file is not None else ""
        if file is not None and not file.is_file():
            raise ConfigError(no_file(file))

        values: dict[str, Any] = {}

        class FromFile(cls):  # type: ignore[valid-type, misc]
            @classmethod
            def settings_customise_sources(
                cls,
                settings_cls: type[BaseSettings],
                *sources: PydanticBaseSettingsSource,
                **by: Any,
            ) -> tuple[PydanticBaseSettingsSource, ...]:
                stronger = super().settings_customise_sources(settings_cls, *sources, **by)
                return *stronger, InitSettingsSource(settings_cls, values)

        try:
            if file is not None:
                values.update(_values_in(file))
            made = FromFile(**given)
            return cls.model_construct(made.model_fields_set, **dict(made))
        except ValidationError as error:
            raise ConfigError(_told(error, where, given, partial(hint, cls))) from error
        except YAMLError as error:
            raise ConfigError(where + told(error)) from error
        except OSError as error:
            raise ConfigError(f"{where}{error.strerror or error}") from error
        except (SettingsError, UnicodeDecodeError) as error:
            raise ConfigError(where + " ".join(str(error).split())) from error


def _told(
    error: ValidationError, where: str, flags: Mapping[str, Any], hint: Callable[[Fault], str]
) -> str:
    """All that is wrong with settings: of a variable by its name, of the file behind `where`."""

    def named(path: str) -> str:
        return path if _said_by(flags, path) else _as_variable(path)

    said = all_faults(error, without=BRANCHES, hint=hint, named=named)
    paths = [each.path for each in faults(error, without=BRANCHES)]
    in_file = any(not _said_by(flags, path) and variable_of(path) is None for path in paths)
    return where + said if in_file else said


def _said_by(flags: Mapping[str, Any], path: str) -> bool:
    """Whether a flag says a setting, or the section that it is in."""
    value: Any = flags
    for part in path.split("."):
        if not isinstance(value, Mapping):
            return True
        if part not in value:
            return False
        value = value[part]
    return True


def _as_variable(path: str) -> str:
    """``BESTOFN_STOP: share`` for stop.share, where a variable says it; else the path itself."""
    variable = variable_of(path)
    if variable is None:
        return path
    within = path.split(".")[variable.count(NESTED) + 1 :]
    return ": ".join(filter(None, (variable, ".".join(within))))


def no_file(file: Path) -> str:
    """Why what is no file cannot be read."""
    if file.is_dir():
        return f"{file}: this is a folder"
    if file.exists():
        return f"{file}: this is a pipe or a device, not a file"
    return f"{file}: no such file"


def _values_in(file: Path) -> dict[str, Any]:
    """What a file of settings says, unchecked.

    Raises:
        ConfigError: the file holds a list or a lone value.
        yaml.YAMLError: it cannot be read, see `values_of`.
    """
    values = values_of(file.read_text(encoding="utf-8"))
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(f"{file}: the file must hold a mapping of settings")
    return values
