"""How a request is sampled, and when it is enough: the section `stop`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import from_json

from bestofn.settings.section import Numbered
from bestofn.settings.words import read_words

Rule = Literal[
    "none", "auto", "accepted", "agreement", "evidence", "reward", "expected_gain", "plateau"
]
"""A stopping rule; each but `none` and `auto` is a controller of `bestofn.control`."""

OPTIONS: Mapping[str, frozenset[str]] = {
    "none": frozenset(),
    "accepted": frozenset({"count"}),
    "agreement": frozenset({"confidence", "votes"}),
    "auto": frozenset({"share", "prior"}),
    "evidence": frozenset({"share", "prior", "temperature"}),
    "reward": frozenset({"reward", "count"}),
    "expected_gain": frozenset({"gain"}),
    "plateau": frozenset({"patience"}),
}
"""Which fields are options of which rule."""

NEEDED = {"accepted": "count", "reward": "reward"}
"""The option without which a rule says nothing."""


class StopSettings(Numbered):
    """When sampling ends before all `best_of` candidates are there; also in a few words:
    ``evidence``, or ``accepted count=12``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rule: Rule = Field(
        default="none",
        description="none: best_of are sampled, as OpenAI's API means it; auto: evidence once a "
        "prior is known, agreement of the answers until then; accepted: at so many accepted; "
        "reward: at a threshold",
    )
    min: int = Field(
        default=1,
        ge=1,
        le=4096,
        description="no rule stops or aborts before so many candidates were accepted",
    )
    waves: int | None = Field(
        default=None,
        ge=1,
        le=4096,
        description="sample so many at a time, each wave when the one before was judged: fewer "
        "tokens with a rule that stops early, more time; none: all at once",
    )
    replace: bool = Field(
        default=False,
        description="sample another one at once for each that is rejected; with the first ones "
        "best_of times policy.max_rounds at most",
    )
    loops: bool | None = Field(
        default=None,
        description="stop a candidate in mid-decode once it is certain to be rejected for "
        "repeating itself (with the rule auto: yes, else: no)",
    )
    prune: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="score candidates in mid-decode, and keep this share of them at each "
        "checkpoint; needs a reward model; none: no pruning",
    )
    prune_at: int | None = Field(
        default=None,
        ge=8,
        le=2**31,
        description="prune: tokens of the first checkpoint, each next one at twice as many (64)",
    )
    prune_min: int | None = Field(
        default=None,
        ge=1,
        le=4096,
        description="prune: candidates that are never pruned away, the accepted among them (4)",
    )
    max_sampled_tokens: int | None = Field(
        default=None,
        ge=1,
        le=2**40,
        description="completion tokens of all candidates, a hard limit; what is done is ranked",
    )
    max_seconds: float | None = Field(
        default=None, gt=0, le=86400, description="of the whole request, a hard limit, as above"
    )
    count: int | None = Field(
        default=None,
        ge=1,
        le=4096,
        description="accepted: candidates; reward: candidates at the threshold (1)",
    )
    confidence: float | None = Field(
        default=None, gt=0.5, lt=1, description="agreement: that the leading answer leads (0.95)"
    )
    votes: int | None = Field(
        default=None, ge=1, le=4096, description="agreement: or so many votes for one answer"
    )
    share: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="evidence: of all masses that the leading answer holds (0.7)",
    )
    prior: float | None = Field(
        default=None,
        allow_inf_nan=False,
        description="evidence: the score that stands for what was not sampled (the 0.65 quantile "
        "of recent candidates; until 64 are known, agreement decides)",
    )
    temperature: float | None = Field(
        default=None,
        gt=0,
        le=1e6,
        description="evidence: of the masses (0.5 for rewards, 0.25 for mean logprobs)",
    )
    reward: float | None = Field(
        default=None, allow_inf_nan=False, description="reward: the threshold"
    )
    gain: float | None = Field(
        default=None,
        gt=0,
        le=1e6,
        description="expected_gain: expected improvement, in standard deviations (0.1)",
    )
    patience: int | None = Field(
        default=None, ge=1, le=4096, description="plateau: candidates without a better one (5)"
    )

    @property
    def stops_loops(self) -> bool:
        """Whether candidates that loop are stopped in mid-decode."""
        return self.rule == "auto" if self.loops is None else self.loops

    @property
    def given(self) -> Mapping[str, Any]:
        """The options of the rule that are set."""
        options = {name: getattr(self, name) for name in OPTIONS[self.rule]}
        return {name: value for name, value in options.items() if value is not None}

    @model_validator(mode="before")
    @classmethod
    def _named_alone(cls, given: Any) -> Any:
        return _read(given) if isinstance(given, str) else given

    @model_validator(mode="after")
    def _fits_the_rule(self) -> Self:
        every = frozenset[str]().union(*OPTIONS.values())
        for name in sorted(every - OPTIONS[self.rule]):
            if getattr(self, name) is not None:
                rules = " or ".join(rule for rule, of in OPTIONS.items() if name in of)
                raise ValueError(f"{name} is an option of {rules}, and the rule is {self.rule}")
        for name in ("prune_at", "prune_min"):
            if self.prune is None and getattr(self, name) is not None:
                raise ValueError(f"{name} is an option of prune, which is not set")
        needed = NEEDED.get(self.rule)
        if needed is not None and getattr(self, needed) is None:
            raise ValueError(f"the rule {self.rule} needs {needed}")
        return self


def _read(text: str) -> Any:
    """The section that a few words stand for, or JSON, as a variable of the environment may hold.

    Raises:
        ValueError: an option has no value, or stands there twice.
    """
    if text.lstrip().startswith("{"):
        return from_json(text)
    rule, *options = text.split() or [""]
    return read_words(" ".join(options), {"rule": rule}, like="share=0.6")
