"""Opening a judge: settings to a reward model over a language model's OpenAI-compatible API.

Example:
    async with open_judge(JudgeSettings(url="http://gpu-3:8000", mode="pairwise")) as judge:
        scores = await judge.score(request, candidates)

Where `url` is ``self`` the generator itself is asked (`bestofn.rewards.judge.itself`).
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Mapping
from typing import Any

from bestofn.core.errors import ConfigError
from bestofn.core.protocols import RewardModel
from bestofn.openai_api.client import ApiClient
from bestofn.openai_api.connection import open_http
from bestofn.openai_api.served import served_model
from bestofn.rewards.judge import prompts
from bestofn.rewards.judge.client import (
    RESERVED_FIELDS,
    WHO,
    Decoding,
    JudgeClient,
    over_http,
)
from bestofn.rewards.judge.itself import SELF, Itself
from bestofn.rewards.judge.listwise import ListwiseJudge
from bestofn.rewards.judge.pairwise import PairwiseJudge
from bestofn.rewards.judge.pick import PickJudge
from bestofn.rewards.judge.pointwise import PointwiseJudge
from bestofn.rewards.judge.probability import ProbabilityJudge
from bestofn.rewards.judge.question import QuestionTemplate, compile_template
from bestofn.rewards.judge.swiss import SwissJudge
from bestofn.settings.judge import JudgeMode, JudgeSettings

PROMPTS: Mapping[JudgeMode, str] = {
    "pointwise": prompts.POINTWISE,
    "probability": prompts.PROBABILITY,
    "listwise": prompts.LISTWISE,
    "pairwise": prompts.PAIRWISE,
    "pick": prompts.PICK,
}

_WRITTEN: tuple[JudgeMode, ...] = ("pointwise", "listwise", "pairwise", "pick")
_MODES_OF: Mapping[str, tuple[JudgeMode, ...]] = {
    "scale": ("pointwise",),
    "samples": ("pointwise",),
    "words": ("probability",),
    "permutations": ("listwise", "pick"),
    "all_pairs_up_to": ("pairwise",),
    "schedule": ("pairwise",),
    "temperature": _WRITTEN,
    "max_tokens": _WRITTEN,
    "reasons": _WRITTEN,
    "structured": _WRITTEN,
}
"""The options that only some modes have."""


@contextlib.asynccontextmanager
async def open_judge(
    settings: JudgeSettings, itself: Itself | None = None
) -> AsyncIterator[RewardModel]:
    """A reward model over the language model at `settings.url`, which is asked what it serves.

    Args:
        settings: say which, and how it is asked.
        itself: what `url: self` stands for; it may be bound later.

    Every reward is read in a reply. What cannot be read, was cut off, or is out of its scale is a
    failure of the candidates that it is about, with reason ``judge_unparsable``; ``judge_refused``
    and ``judge_error`` say that the server refused the question, or failed. `Score.tokens` are the
    prompt and completion tokens that the server counts; those of a question about several
    candidates are divided among them.

    Raises:
        ConfigError: a setting is wrong, or not one of the mode; the server cannot be reached,
            refuses the key, or serves several models and none is named; or there is no generator
            that could judge itself.
    """
    _check(settings)
    mode = settings.mode
    yes, no = (word.strip() for word in settings.words)
    decoding = Decoding(settings.temperature, settings.max_tokens, settings.reasons)
    fields: dict[str, Any] = {"reasons": settings.reasons}
    if mode == "probability":
        fields = {"yes": yes, "no": no}
    elif mode == "pointwise":
        fields |= dict(zip(("low", "high"), settings.scale, strict=True))
    template = compile_template(settings.template or PROMPTS[mode], fields)
    question = QuestionTemplate(template, settings.reference, fields, settings.images)
    async with _client(settings, itself) as client:
        if mode == "pointwise":
            yield PointwiseJudge(client, question, decoding, settings.scale, settings.samples)
        elif mode == "probability":
            yield ProbabilityJudge(client, question, (yes, no))
        elif mode == "listwise":
            yield ListwiseJudge(client, question, decoding, settings.permutations)
        elif mode == "pick":
            yield PickJudge(client, question, decoding, settings.permutations)
        elif _is_swiss(settings):
            yield SwissJudge(client, question, decoding)
        else:
            yield PairwiseJudge(client, question, decoding, settings.all_pairs_up_to)


@contextlib.asynccontextmanager
async def _client(settings: JudgeSettings, itself: Itself | None) -> AsyncIterator[JudgeClient]:
    """What asks the judge: its server, or the generator."""
    further: dict[str, Any] = {"options": settings.options, "structured": settings.structured}
    limit = settings.concurrency
    if settings.url == SELF:
        if itself is None:
            raise ConfigError("a judge whose url is self needs the generator, and there is none")
        itself.wanted = True
        ask = functools.partial(itself.complete, turns=asyncio.Semaphore(limit))
        yield JudgeClient(ask, settings.model, **further)
        return
    async with open_http(settings.url, api_key=settings.api_key, concurrency=limit) as http:
        name = await served_model(http, settings.url, settings.model)
        server = over_http(ApiClient(http, who=WHO, concurrency=limit))
        yield JudgeClient(server, name, **further)


def _is_swiss(settings: JudgeSettings) -> bool:
    """Whether pairs are drawn as in a Swiss tournament: where it says so, or where the generator is
    its own judge and nothing else is said."""
    if settings.schedule is None:
        return settings.url == SELF and "all_pairs_up_to" not in settings.model_fields_set
    return settings.schedule == "swiss"


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
    if settings.url == SELF and settings.api_key is not None:
        raise ConfigError("api_key is for a judge with a server, and its url is self")
    if settings.schedule == "swiss" and "all_pairs_up_to" in given:
        raise ConfigError("all_pairs_up_to is for the schedule all, and the schedule is swiss")
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
