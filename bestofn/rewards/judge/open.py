"""Owns opening a judge: options to a reward model over a server's API."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any, Literal, get_args

from bestofn.core.errors import ConfigError
from bestofn.core.protocols import RewardModel
from bestofn.openai_api.client import ApiClient, open_http, served_model
from bestofn.rewards.judge import prompts
from bestofn.rewards.judge.client import OWNED, WHO, Asker, Decoding
from bestofn.rewards.judge.listwise import ListwiseJudge
from bestofn.rewards.judge.pair_schedule import ALL_UP_TO
from bestofn.rewards.judge.pairwise import PairwiseJudge
from bestofn.rewards.judge.pointwise import PointwiseJudge
from bestofn.rewards.judge.probability import ProbabilityJudge
from bestofn.rewards.judge.question import Question, parsed

Mode = Literal["pointwise", "probability", "listwise", "pairwise"]
"""How a judge is asked."""

SCALE = (1, 10)
MAX_TOKENS = 1024
PERMUTATIONS = 2
WORDS = ("Yes", "No")

PROMPTS: Mapping[Mode, str] = {
    "pointwise": prompts.POINTWISE,
    "probability": prompts.PROBABILITY,
    "listwise": prompts.LISTWISE,
    "pairwise": prompts.PAIRWISE,
}

_WRITTEN: tuple[Mode, ...] = ("pointwise", "listwise", "pairwise")
_MODES_OF: Mapping[str, tuple[Mode, ...]] = {
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
async def open_judge(
    url: str,
    *,
    model: str | None = None,
    mode: Mode = "pointwise",
    api_key: str | None = None,
    concurrency: int = 64,
    template: str | None = None,
    reference: bool = False,
    options: Mapping[str, Any] | None = None,
    scale: tuple[int, int] | None = None,
    samples: int | None = None,
    words: tuple[str, str] | None = None,
    permutations: int | None = None,
    all_pairs_up_to: int | None = None,
    temperature: float | None = None,
    max_tokens: int | None = None,
    reasons: bool | None = None,
    structured: bool | None = None,
) -> AsyncIterator[RewardModel]:
    """A reward model over the language model at `url`, which is asked once what it serves.

    Every reward is read in a reply. What cannot be read, was cut off, or is out of its scale is a
    failure of the candidates that it is about, with reason ``judge_unparsable``; ``judge_refused``
    and ``judge_error`` say that the server refused the question, or failed. `Score.tokens` are the
    prompt and completion tokens that the server counts; those of a question about several
    candidates are divided among them.

    Args:
        url: the API's root; "/v1" is added where the URL has no path.
        model: its name there; None: the only one it serves.
        mode: "pointwise": each answer alone gets a score. "probability": each answer alone, by the
            probability of Yes against No; needs a server that gives log-probabilities. "listwise":
            all answers are put in order. "pairwise": answers two at a time, in both orders.
        api_key: sent as a bearer token.
        concurrency: questions in flight at most.
        template: Jinja of the question, instead of the mode's own in
            `bestofn.rewards.judge.prompts`, with the variables of
            `bestofn.rewards.judge.question`. It has to ask for what the mode reads, see
            `bestofn.rewards.judge.parsing`.
        reference: whether the judge is shown `Request.reference`, where there is one.
        options: further fields of each request to the server, e.g. ``chat_template_kwargs``.
        scale: pointwise: the least and the highest score; None: 1 to 10.
        samples: pointwise: votes for each answer, whose mean is the reward; more than one needs a
            temperature above 0. None: 1.
        words: probability: for yes and for no; None: Yes and No.
        permutations: listwise: orders for each request, whose ranks are averaged; None: 2.
        all_pairs_up_to: pairwise: answers up to which every pair is compared; above it, O(N log N)
            pairs. None: 8.
        temperature: of the replies, in all modes but probability; None: 0.
        max_tokens: of a reply, thoughts of a reasoning model included; None: 1024. Likewise.
        reasons: whether the judge says why before it gives its verdict; False suits models that
            reason by themselves, or none of whose words are to be paid for. None: True. Likewise.
        structured: whether the server is told the verdict's JSON Schema; None: where it takes one.
            False suits reasoning models on servers that do not part their thoughts from the reply.
            Likewise.

    Raises:
        ConfigError: an option is wrong, or not one of the mode; the server cannot be reached,
            refuses the key, or serves several models and none is named.
    """
    if mode not in get_args(Mode):
        raise ConfigError(f"mode {mode} is none of {', '.join(get_args(Mode))}")
    given = {
        "scale": scale,
        "samples": samples,
        "words": words,
        "permutations": permutations,
        "all_pairs_up_to": all_pairs_up_to,
        "temperature": temperature,
        "max_tokens": max_tokens,
        "reasons": reasons,
        "structured": structured,
    }
    _check(mode, {name: value for name, value in given.items() if value is not None})
    if owned := sorted(OWNED & (options or {}).keys()):
        raise ConfigError(f"options of the judge hold {', '.join(owned)}: the judge sets that")
    low, high = scale or SCALE
    yes, no = (word.strip() for word in words or WORDS)
    decoding = Decoding(temperature or 0.0, max_tokens or MAX_TOKENS, reasons is not False)
    fields: dict[str, Any] = {"reasons": decoding.reasons}
    if mode == "probability":
        fields = {"yes": yes, "no": no}
    elif mode == "pointwise":
        fields |= {"low": low, "high": high}
    question = Question(parsed(template or PROMPTS[mode], fields), reference, fields)
    async with open_http(url, api_key=api_key, concurrency=concurrency) as http:
        name = await served_model(http, url, model)
        client = ApiClient(http, who=WHO, concurrency=concurrency)
        asker = Asker(client, name, options=options, structured=structured)
        if mode == "pointwise":
            yield PointwiseJudge(asker, question, decoding, (low, high), samples or 1)
        elif mode == "probability":
            yield ProbabilityJudge(asker, question, (yes, no))
        elif mode == "listwise":
            yield ListwiseJudge(asker, question, decoding, permutations or PERMUTATIONS)
        else:
            most = ALL_UP_TO if all_pairs_up_to is None else all_pairs_up_to
            yield PairwiseJudge(asker, question, decoding, most)


def _check(mode: Mode, given: Mapping[str, Any]) -> None:
    """Refuse options that are out of their range, or have no effect in this mode.

    Raises:
        ConfigError: there is one.
    """
    for name in given:
        if mode not in _MODES_OF[name]:
            modes = " or ".join(_MODES_OF[name])
            raise ConfigError(f"{name} is for a {modes} judge, and the mode is {mode}")
    for name in ("samples", "permutations", "all_pairs_up_to", "max_tokens"):
        if name in given and given[name] < 1:
            raise ConfigError(f"{name} is {given[name]}; it must be at least 1")
    low, high = given.get("scale", SCALE)
    if low >= high:
        raise ConfigError(f"scale is {low} to {high}; the highest score must be above the least")
    temperature = given.get("temperature", 0)
    if not 0 <= temperature <= 2:
        raise ConfigError(f"temperature is {temperature}; it must be between 0 and 2")
    if given.get("samples", 1) > 1 and temperature == 0:
        raise ConfigError(
            "samples is above 1 at temperature 0, where all votes are equal: give a temperature"
        )
    yes, no = (word.strip().casefold() for word in given.get("words", WORDS))
    if not yes or not no or yes == no:
        raise ConfigError(f"words are {yes!r} and {no!r}; they must be two different words")
