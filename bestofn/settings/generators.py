"""What samples: a server's URL or several, and the generators that share a request's candidates."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, SecretStr, model_validator

from bestofn.settings.choices import Engine
from bestofn.settings.section import MAX_NAME, Section
from bestofn.settings.sections import AtHome
from bestofn.settings.words import read_words


def _the_only(value: Any) -> Any:
    """A list of one URL is that URL."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


_Url = Annotated[str, Field(min_length=1)]

Upstream = Annotated[
    _Url | Annotated[list[_Url], Field(min_length=1)],
    BeforeValidator(_the_only, json_schema_input_type=str | list[str]),
]
"""One URL, or several."""


class GeneratorSettings(Section):
    """One of several generators; also in a few words: ``name=large upstream=http://gpu-3:8000
    share=2``.

    Of a request's candidates each gets its share by the method of the largest remainder (equal
    remainders: the one that is named first), and they take turns; see `bestofn.generators.shares`.
    """

    name: str = Field(
        min_length=1, max_length=MAX_NAME, description="what its candidates carry in reports"
    )
    model: AtHome | None = Field(default=None, description="folder, hub name, or name upstream")
    upstream: Upstream | None = Field(default=None, description="as the setting of that name")
    upstream_api_key: SecretStr | None = Field(default=None, description="its API key")
    engine: Engine = Field(default="auto", description="as the setting of that name")
    engine_args: list[str] = Field(default_factory=list, description="flags of `vllm serve`")
    share: float = Field(
        default=1.0, gt=0, le=1e6, description="of the candidates; only ratios count"
    )

    @model_validator(mode="after")
    def _samples_from_something(self) -> Self:
        here = self.engine not in ("openai", "none")  # what those lack is said where it is opened
        if here and self.model is None and self.upstream is None:
            raise ValueError(f"{self.name} needs a model or an upstream, to sample from")
        return self


def _read(given: Any) -> Any:
    return read_words(given) if isinstance(given, str) else given


GeneratorSpec = Annotated[
    GeneratorSettings, BeforeValidator(_read, json_schema_input_type=str | GeneratorSettings)
]
"""A generator, as a section or in a few words."""
