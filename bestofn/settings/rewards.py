"""Sections of the settings that say what scores: one reward model, or several together.

reward: {dtype: bfloat16}                      # RewardSettings: of every model in this process
rewards:                                       # RewardSpec each
  - org/some-reward
  - {kind: judge, url: http://gpu-3:8000, weight: 2}
ensemble: {combine: worst}                     # EnsembleSettings
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from bestofn.settings.choices import Aggregate, Combine, Normalise, Quantization, TooLong
from bestofn.settings.sections import Section

RewardKind = Literal["model", "vllm", "server", "judge", "pairwise", "verifier"]
"""What scores: a model in this process, one in a vLLM engine of its own, a server that scores, a
language model that judges, a pairwise ranker, a function that checks."""

_URL = re.compile(r"https?://", re.IGNORECASE)


class RewardSettings(Section):
    """How a local reward model is read and run; see `bestofn.rewards.transformers`."""

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
    quantization: Quantization | None = Field(
        default=None, description="of the matrices, by bitsandbytes; none: as dtype says"
    )
    max_batch_tokens: int = Field(default=8192, ge=1, description="tokens in one forward, at most")
    cache_tokens: int = Field(
        default=8192,
        ge=0,
        description="tokens whose keys and values are kept for candidates that come later",
    )
    too_long: TooLong = Field(
        default="error", description="for a text that is longer than the model reads"
    )
    threads: int | None = Field(
        default=None,
        ge=1,
        description="of the CPU, for one forward; none: all, and 1 for the embedded model",
    )
    compile: bool = Field(
        default=False, description="the model's layers by torch.compile, while it is loaded"
    )
    trust_remote_code: bool = False
    step_separator: str | None = Field(
        default=None, description="what stands between steps, for a process reward model"
    )
    aggregate: Aggregate | None = Field(
        default=None, description="what makes one reward of the steps'; none: as its authors do"
    )


def _one_level(value: Any) -> Any:
    """``{kind, name, weight, ...}`` with the rest under ``options``; a text is a model or a URL."""
    if isinstance(value, str):
        if _URL.match(value):
            return {"kind": "server", "options": {"url": value}}
        return {"kind": "model", "options": {"model": value}}
    if isinstance(value, dict) and "options" not in value:
        own = {key: value[key] for key in ("kind", "name", "weight") if key in value}
        return own | {"options": {key: value[key] for key in value.keys() - own.keys()}}
    return value


class RewardSpec(Section):
    """One of several that score: ``{kind: judge, url: ..., weight: 2}``, or a model's name alone.

    What is neither kind, name nor weight goes to what opens that kind: see
    `bestofn.builders.rewards`.
    """

    kind: RewardKind = "model"
    name: str | None = Field(
        default=None, description="of its part in the result; none: made from what it is"
    )
    weight: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    options: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def of(cls, named: str) -> RewardSpec:
        """What a text alone stands for."""
        return cls.model_validate(_one_level(named))

    @property
    def title(self) -> str:
        """The name, or the last part of the model's, the URL's or the check's."""
        known = (self.options[key] for key in ("model", "check", "url") if key in self.options)
        return self.name or str(next(known, self.kind)).rstrip("/").rsplit("/", 1)[-1]


RewardSpecs = list[
    Annotated[RewardSpec, BeforeValidator(_one_level, json_schema_input_type=str | dict[str, Any])]
]


class EnsembleSettings(Section):
    """How the rewards of several become one; see `bestofn.rewards.ensemble`."""

    combine: Combine = Field(default="mean", description="within one candidate")
    normalise: Normalise = Field(
        default="zscore", description="each one's rewards within the prompt, before that"
    )
    penalty: float | None = Field(
        default=None, ge=0, description="mean_minus_std: how much of the deviation; none: 1"
    )
