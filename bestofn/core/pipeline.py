"""The pipeline: what `best_of_n` runs with, and what its parts offer besides."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bestofn.core.controller import RequestPolicy
from bestofn.core.filtering import Filtering
from bestofn.core.mid_decode import ReadsSnapshots, StopsEarly
from bestofn.core.model_facts import ContextLimit, Mixed
from bestofn.core.protocols import (
    Comparing,
    EngineStatus,
    Filter,
    Forwarder,
    Generator,
    Ignoring,
    Noting,
    ReadsLogprobs,
    Refusing,
    RewardModel,
    Selector,
    Snapshotting,
    TextScorer,
)
from bestofn.core.token_rewards import TokenScorer
from bestofn.core.tokenizing import Tokenizing
from bestofn.core.types import Request


def _default_policy() -> RequestPolicy:
    # Named and not imported: controllers stand above the core, as filters and selectors do.
    policy: RequestPolicy = importlib.import_module("bestofn.control.policy").Policy()
    return policy


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What `best_of_n` runs with.

    Args:
        generator: samples the candidates.
        selector: orders the scored.
        filters: every candidate passes all of them, in this order; all rejections are kept.
        reward_model: scores what the filters keep; None only filters, and then only a selector
            that needs no rewards ranks.
        policy: controls each request: how many are sampled, when to stop, and what happens when
            nothing is acceptable. Without: `bestofn.control.policy.Policy()`.

    Attributes:
        forwarder: the generator, where a whole request can go through it as it is; else None.
        snapshots: whether the generator sends unfinished candidates.
        context: tokens that the generator's model reads and writes; None: it does not say.
        mixed: the generator, where several models sample; else None.
        tokenizing: the generator, where its tokenizer can be asked; else None.
        ignoring: the generator, where it takes fields that have no effect; else None.
        text_scorer: the reward model, where it reads texts that somebody else made; else None.
        token_scorer: the reward model, where it says a number at every token; else None.
        filtering: the filters, with what they offer besides.
        refusing: the reward model, where it cannot be shown every conversation; else None.
        noting: the reward model, where it says how it reads a conversation otherwise; else None.
        compares: whether the reward model needs all candidates of a request at once.
        reads_logprobs: whether the selector or the policy reads log-probabilities.
        snapshot_tokens: after how many tokens of a candidate the policy wants another snapshot;
            None: it wants none, or the generator sends none.
        lacks_snapshots: whether the policy wants snapshots, and the generator sends none.
        stops_early: whether the policy may stop candidates because of what others came to.
    """

    generator: Generator
    selector: Selector
    filters: Sequence[Filter] = ()
    reward_model: RewardModel | None = None
    policy: RequestPolicy = field(default_factory=_default_policy)
    forwarder: Forwarder | None = field(init=False, repr=False)
    snapshots: bool = field(init=False, repr=False)
    context: int | None = field(init=False, repr=False)
    mixed: Mixed | None = field(init=False, repr=False)
    tokenizing: Tokenizing | None = field(init=False, repr=False)
    ignoring: Ignoring | None = field(init=False, repr=False)
    text_scorer: TextScorer | None = field(init=False, repr=False)
    token_scorer: TokenScorer | None = field(init=False, repr=False)
    refusing: Refusing | None = field(init=False, repr=False)
    noting: Noting | None = field(init=False, repr=False)
    compares: bool = field(init=False, repr=False)
    reads_logprobs: bool = field(init=False, repr=False)
    snapshot_tokens: int | None = field(init=False, repr=False)
    lacks_snapshots: bool = field(init=False, repr=False)
    stops_early: bool = field(init=False, repr=False)
    filtering: Filtering = field(init=False, repr=False, compare=False)
    _status: EngineStatus | None = field(init=False, repr=False, compare=False)

    @property
    def engine_is_dead(self) -> bool:
        """Whether the generator's engine has died in this process."""
        return self._status is not None and self._status.dead

    @property
    def sources(self) -> int:
        """How many models the generator samples from."""
        return 1 if self.mixed is None else self.mixed.sources

    def without_effect(self, request: Request) -> Sequence[str]:
        """A sentence that names the fields of this request that the engine ignores; none: it has
        none.

        Raises:
            RequestError: the request asks for what the engine cannot do.
        """
        names = () if self.ignoring is None else self.ignoring.ignored(request)
        return (f"without an effect on this engine: {', '.join(sorted(names))}",) if names else ()

    def as_sampled(self, request: Request) -> Request:
        """The request as the generator gets it: with logprobs and snapshots, where rules read them,
        and its candidates apart, where one may stop some of them. One candidate is chosen
        without."""
        most = request.best_of if request.temperature != 0 else self.sources
        if min(most, request.best_of) == 1:
            return request
        reads = self.reads_logprobs and not request.token_logprobs
        if not reads and self.snapshot_tokens is None and not self.stops_early:
            return request
        return replace(
            request,
            token_logprobs=reads or request.token_logprobs,
            snapshot_tokens=self.snapshot_tokens,
            apart=self.stops_early,
        )

    def __post_init__(self) -> None:
        generator, reward_model, policy = self.generator, self.reward_model, self.policy
        scored = reward_model is not None
        snapshots = isinstance(generator, Snapshotting) and generator.snapshots
        wanted = policy.snapshot_tokens if isinstance(policy, ReadsSnapshots) else None
        offers = {
            "forwarder": generator if isinstance(generator, Forwarder) else None,
            "snapshots": snapshots,
            "snapshot_tokens": wanted if snapshots else None,
            "lacks_snapshots": wanted is not None and not snapshots,
            "context": generator.context if isinstance(generator, ContextLimit) else None,
            "mixed": generator if isinstance(generator, Mixed) else None,
            "stops_early": isinstance(policy, StopsEarly) and policy.stops_early,
            "tokenizing": generator if isinstance(generator, Tokenizing) else None,
            "ignoring": generator if isinstance(generator, Ignoring) else None,
            "_status": generator if isinstance(generator, EngineStatus) else None,
            "text_scorer": reward_model if isinstance(reward_model, TextScorer) else None,
            "token_scorer": reward_model if isinstance(reward_model, TokenScorer) else None,
            "filtering": Filtering.of(self.filters),
            "refusing": reward_model if isinstance(reward_model, Refusing) else None,
            "noting": reward_model if isinstance(reward_model, Noting) else None,
            "reads_logprobs": any(
                isinstance(each, ReadsLogprobs) and each.reads_logprobs(scored=scored)
                for each in (self.selector, self.policy)
            ),
            "compares": isinstance(reward_model, Comparing) and reward_model.compares,
        }
        for name, offer in offers.items():
            object.__setattr__(self, name, offer)
