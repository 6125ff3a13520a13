"""Opening a judge: settings to a reward model over a language model's OpenAI-compatible API.

Example:
    async with open_judge(JudgeSettings(url="http://gpu-3:8000", mode="pairwise")) as judge:
        scores = await judge.score(request, candidates)
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

from bestofn.core.errors import ConfigError
from bestofn.core.protocols import RewardModel
from bestofn.openai_api.client import ApiClient
from bestofn.openai_api.connection import open_http
from bestofn.openai_api.served import served_model
from bestofn.rewards.judge import prompts
from bestofn.rewards.judge.client import RESERVED_FIELDS, WHO, Decoding, JudgeClient
from bestofn.rewards.judge.listwise import ListwiseJudge
from bestofn.rewards.judge.pairwise import PairwiseJudge
from bestofn.rewards.judge.pointwise import PointwiseJudge
from bestofn.rewards.judge.probability import ProbabilityJudge
from bestofn.rewards.judge.question import QuestionTemplate, compile_template
from bestofn.settings.judge import JudgeMode, JudgeSettings

PROMPTS: Mapping[JudgeMode, str] = {
    "pointwise": prompts.POINTWISE,
    "probability": prompts.PROBABILITY,
    "listwise": prompts.LISTWISE,
    "pairwise": prompts.PAIRWISE,
}

_WRITTEN: tuple[JudgeMode, ...] = ("pointwise", "listwise", "pairwise")
_MODES_OF: Mapping[str, tuple[JudgeMode, ...]] = {
    "scale": ("pointwise",),
    "samples": ("pointwise",),
    "words": ("probability",),
    "permutations": ("listwise",),
    "all_pairs_up_to": ("pairwise",),
    "temperature": _WRITTEN,
    "max_tokens": _WRITTEN,
    "reasons": _WRITTEN,
    "structured": _WRITTEN,
}
"""The options that only some modes have."""


@contextlib.asynccontextmanager
async def open_judge(settings: JudgeSettings) -> AsyncIterator[RewardModel]:
    """A reward model over the language model at `settings.url`, which is asked what it serves.

    Every reward is read in a reply. What cannot be read, was cut off, or is out of its scale is a
    failure of the candidates that it is about, with reason ``judge_unparsable``; ``judge_refused``
    and ``judge_error`` say that the server refused the question, or failed. `Score.tokens` are the
    prompt and completion tokens that the server counts; those of a question about several
    candidates are divided among them.

    Raises:
        ConfigError: a setting is wrong, or not one of the mode; the server cannot be reached,
            refuses the key, or serves several models and none is named.
    """
    _check(settings)
    mode, url = settings.mode, settings.url
    yes, no = (word.strip() for word in settings.words)
    decoding = Decoding(settings.temperature, settings.max_tokens, settings.reasons)
    fields: dict[str, Any] = {"reasons": settings.reasons}
    if mode == "probability":
        fields = {"yes": yes, "no": no}
    elif mode == "pointwise":
        fields |= dict(zip(("low", "high"), settings.scale, strict=True))
    template = compile_template(settings.template or PROMPTS[mode], fields)
    question = QuestionTemplate(template, settings.reference, fields)
    limit = settings.concurrency
    async with open_http(url, api_key=settings.api_key, concurrency=limit) as http:
        name = await served_model(http, url, settings.model)
        client = JudgeClient(
            ApiClient(http, who=WHO, concurrency=limit),
            name,
            options=settings.options,
            structured=settings.structured,
        )
        if mode == "pointwise":
            yield PointwiseJudge(client, question, decoding, settings.scale, settings.samples)
        elif mode == "probability":
            yield ProbabilityJudge(client, question, (yes, no))
        elif mode == "listwise":
            yield ListwiseJudge(client, question, decoding, settings.permutations)
        else:
            yield PairwiseJudge(client, question, decoding, settings.all_pairs_up_to)


def _check(settings: JudgeSettings) -> None:
    """Refuse options that are out of their range, or have no effect in this mode.

    Raises:
        ConfigError: there is one.
    """
    mode, given = settings.mode, settings.model_fields_set
    if mode not in PROMPTS:
        raise ConfigError(f"mode {mode} is none of {', '.join(PROMPTS)}")
    for name, modes in _MODES_OF.items():
        if name in given and mode not in modes:
            raise ConfigError(f"{name} is for a {' or '.join(modes)} judge, and the mode is {mode}")
    for name in ("samples", "permutations", "all_pairs_up_to", "max_tokens"):
        if (number := getattr(settings, name)) < 1:
            raise ConfigError(f"{name} is {number}; it must be at least 1")
    low, high = settings.scale
    if low >= high:
        raise ConfigError(f"scale is {low} to {high}; the highest score must be above the least")
    temperature = settings.temperature
    if not 0 <= temperature <= 2:
        raise ConfigError(f"temperature is {temperature}; it must be between 0 and 2")
    if settings.samples > 1 and temperature == 0:
        raise ConfigError(
            "samples is above 1 at temperature 0, where all votes are equal: give a temperature"
        )
    yes, no = (word.strip().casefold() for word in settings.words)
    if not yes or not no or yes == no:
        raise ConfigError(f"words are {yes!r} and {no!r}; they must be two different words")
    if owned := sorted(RESERVED_FIELDS & settings.options.keys()):
        raise ConfigError(f"options of the judge hold {', '.join(owned)}: the judge sets that")
