"""The settings of a judge: ``{kind: judge, url: ..., mode: pairwise}`` among the rewards."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from bestofn.settings.choices import Images
from bestofn.settings.section import Section

JudgeMode = Literal["pointwise", "probability", "listwise", "pairwise", "pick"]
"""How a judge is asked."""

Schedule = Literal["all", "swiss"]
"""Which pairs a pairwise judge compares."""


class JudgeSettings(Section):
    """A language model that judges, and how it is asked; see `bestofn.rewards.judge.open`.

    The modes: "pointwise", each answer alone gets a score; "probability", each answer alone, by the
    probability of Yes against No, which needs a server that gives log-probabilities; "listwise",
    all answers are put in order; "pairwise", answers two at a time, in both orders; "pick", the
    best of all answers is named. An option of other modes than this one is refused when the judge
    is opened; an explicit none is the default.
    """

    url: str = Field(
        description="the API's root; /v1 is added where the URL has no path. self: the generator "
        "itself judges its answers"
    )
    model: str | None = Field(default=None, description="its name there; none: the only one")
    mode: JudgeMode = "pointwise"
    api_key: str | None = Field(default=None, description="sent as a bearer token")
    concurrency: int = Field(default=64, ge=1, description="questions in flight, at most")
    template: str | None = Field(
        default=None,
        description="Jinja of the question, instead of the mode's own in "
        "`bestofn.rewards.judge.prompts`, with the variables of `bestofn.rewards.judge.question`; "
        "it has to ask for what the mode reads, see `bestofn.rewards.judge.parsing`",
    )
    reference: bool = Field(
        default=False, description="whether the judge is shown the request's reference"
    )
    images: Images = Field(
        default="placeholder", description="for a conversation with pictures in it"
    )
    options: dict[str, Any] = Field(
        default_factory=dict,
        description="further fields of each request to the server, e.g. chat_template_kwargs",
    )
    scale: tuple[int, int] = Field(
        default=(1, 10), description="pointwise: the least and the highest score"
    )
    samples: int = Field(
        default=1,
        description="pointwise: votes for each answer, whose mean is the reward; more than one "
        "needs a temperature above 0",
    )
    words: tuple[str, str] = Field(
        default=("Yes", "No"), description="probability: for yes and for no"
    )
    permutations: int = Field(
        default=2,
        description="listwise, pick: orders for each request, whose ranks or picks are averaged",
    )
    schedule: Schedule | None = Field(
        default=None,
        description="pairwise: swiss, three rounds of a Swiss tournament, at most 3 N questions; "
        "all, as all_pairs_up_to says; none: swiss where the url is self, else all",
    )
    all_pairs_up_to: int = Field(
        default=8,
        description="pairwise: answers up to which every pair is compared (8: 28 pairs); above "
        "it, O(N log N) pairs",
    )
    temperature: float = Field(
        default=0.0, description="of the replies, in all modes but probability"
    )
    max_tokens: int = Field(
        default=1024,
        description="of a reply, a reasoning model's thoughts included; all but probability",
    )
    reasons: bool = Field(
        default=True,
        description="whether the judge says why before its verdict; false suits models that "
        "reason by themselves, or none of whose words are to be paid for; all but probability",
    )
    structured: bool | None = Field(
        default=None,
        description="whether the server is told the verdict's JSON Schema; none: where it takes "
        "one; false suits reasoning models on servers that do not part their thoughts from the "
        "reply; all but probability",
    )

    @model_validator(mode="before")
    @classmethod
    def _none_is_the_default(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {name: value for name, value in given.items() if value is not None}
