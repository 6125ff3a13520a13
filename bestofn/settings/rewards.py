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

from bestofn.settings.choices import Aggregate, Combine, Images, Normalise, Quantization, TooLong
from bestofn.settings.section import Section
from bestofn.support.url import without_credentials

RewardKind = Literal["model", "vllm", "server", "judge", "pairwise", "verifier"]
"""What scores: a model in this process, one in a vLLM engine of its own, a server that scores, a
language model that judges, a pairwise ranker, a function that checks."""

MAX_BATCH_TOKENS = 8192
"""Tokens of one forward, by default."""

CACHE_TOKENS = 8192
"""Tokens whose keys and values are kept, by default: as many as one forward takes on a GPU. With a
Llama-3.1-8B's grouped queries they are 1 GiB in half precision, with a Llama-2-7B's 4 GiB."""

_URL = re.compile(r"https?://", re.IGNORECASE)


class RewardSettings(Section):
    """How a local reward model is read and run; see `bestofn.rewards.transformers`.

    Args:
        format: a name from `bestofn.rewards.text.formats`; None: `template`, else the format that
            the checkpoint is recognised by, else the model's own chat template.
        template: Jinja for the text, with the variables of `bestofn.rewards.text.renderer`.
        device: a torch device; auto: CUDA where there is one.
        dtype: a torch dtype's name; auto: float32 on a CPU, on a GPU the checkpoint's own half
            precision, or bfloat16 (Ziya: float16) where it is stored in float32.
        quantization: of the matrices but embeddings and heads, by bitsandbytes: a half or a
            quarter of the memory. What an int8 matrix gives moves a little with what shares a
            forward, since outliers are told by all of it.
        max_batch_tokens: tokens of one forward at most, shared beginnings once, padding (where a
            model needs it) counted; a longer text goes alone, and a CPU takes fewer
            (`bestofn.rewards.local.token_budget`). Halved where memory runs out, until it does not.
        cache_tokens: tokens whose keys and values are kept from one forward to the next, so that a
            prompt is not computed again for candidates that come later.
        reasoning: whether the model is shown what an answer's author thought (``reasoning`` or
            ``reasoning_content`` of its message), where its template shows such a thing.
        images: what becomes of pictures in a conversation, since every template is given text.
        too_long: what becomes of a text that is longer than the model reads.
        threads: of the CPU for one forward; None: as many as torch takes by itself.
        compile: have `torch.compile` make kernels for the model's layers, at once: loading takes
            longer by some seconds to minutes, forwards may be faster.
        deterministic: score each text in a forward of its own, so that its reward is the same to
            the last bit whatever shares the call, in any order; a prompt is then computed again
            with each candidate (`bestofn.rewards.local.alone_reader`). Not with `compile`.
        trust_remote_code: whether code that came with the checkpoint may run.
        step_separator: what the steps of an answer are split at; None: blank lines.
        aggregate: what makes one reward of those of steps; None: what the model's authors select
            among N with.
    """

    format: str | None = Field(
        default=None, description="named text format; none: recognised or template"
    )
    template: str | None = Field(
        default=None, description="Jinja template of the text, instead of both"
    )
    reasoning: bool = Field(
        default=False, description="whether the model is shown what was thought before an answer"
    )
    images: Images = Field(
        default="placeholder", description="for a conversation with pictures in it"
    )
    device: str = Field(default="auto", description="a torch device; auto: CUDA where there is one")
    dtype: str = Field(
        default="auto", description="a torch dtype; auto: half on a GPU, float32 on a CPU"
    )
    quantization: Quantization | None = Field(
        default=None, description="of the matrices, by bitsandbytes; none: as dtype says"
    )
    max_batch_tokens: int = Field(
        default=MAX_BATCH_TOKENS, ge=1, description="tokens in one forward, at most"
    )
    cache_tokens: int = Field(
        default=CACHE_TOKENS,
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
    deterministic: bool = Field(
        default=False, description="the same reward to the last bit, whatever shares the forward"
    )
    trust_remote_code: bool = Field(
        default=False, description="whether code that came with the checkpoint may run"
    )
    step_separator: str | None = Field(
        default=None, description="what stands between steps, for a process reward model"
    )
    aggregate: Aggregate | None = Field(
        default=None, description="what makes one reward of the steps'; none: as its authors do"
    )


def _one_level(value: Any) -> Any:
    """``{kind, name, weight, ...}`` with the rest under ``options``; a text is a model or a URL.

    ``options`` beside ``check`` or ``url``, as in ``{kind: verifier, check: math, options:
    {precision: 3}}``, are those of the verifier or the judge.
    """
    if isinstance(value, str):
        if _URL.match(value):
            return {"kind": "server", "options": {"url": value}}
        return {"kind": "model", "options": {"model": value}}
    if isinstance(value, dict) and ("options" not in value or {"check", "url"} & value.keys()):
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
        """The name, or the last part of the model's, the URL's or the check's; of a URL nothing
        that lets somebody in, since clients and datasets read it."""
        known = (self.options[key] for key in ("model", "check", "url") if key in self.options)
        named = str(without_credentials(str(next(known, self.kind))))
        return self.name or named.rstrip("/").rsplit("/", 1)[-1]


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
