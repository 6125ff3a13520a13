"""The pipeline: what `best_of_n` runs with, and what its parts offer besides."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from bestofn.core.controller import RequestPolicy
from bestofn.core.protocols import (
    Comparing,
    EngineStatus,
    Filter,
    Forwarder,
    Generator,
    Ignoring,
    Mending,
    RewardModel,
    Selector,
    Snapshotting,
    TextScorer,
)


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
        ignoring: the generator, where it takes fields that have no effect; else None.
        text_scorer: the reward model, where it reads texts that somebody else made; else None.
        menders: the filters that take off what is no part of an answer, in their order.
        compares: whether the reward model needs all candidates of a request at once.
    """

    generator: Generator
    selector: Selector
    filters: Sequence[Filter] = ()
    reward_model: RewardModel | None = None
    policy: RequestPolicy = field(default_factory=_default_policy)
    forwarder: Forwarder | None = field(init=False, repr=False)
    snapshots: bool = field(init=False, repr=False)
    ignoring: Ignoring | None = field(init=False, repr=False)
    text_scorer: TextScorer | None = field(init=False, repr=False)
    compares: bool = field(init=False, repr=False)
    menders: Sequence[Mending] = field(init=False, repr=False, compare=False)
    _status: EngineStatus | None = field(init=False, repr=False, compare=False)

    @property
    def engine_is_dead(self) -> bool:
        """Whether the generator's engine has died in this process."""
        return self._status is not None and self._status.dead

    def __post_init__(self) -> None:
        generator, reward_model = self.generator, self.reward_model
        offers = {
            "forwarder": generator if isinstance(generator, Forwarder) else None,
            "snapshots": isinstance(generator, Snapshotting) and generator.snapshots,
            "ignoring": generator if isinstance(generator, Ignoring) else None,
            "_status": generator if isinstance(generator, EngineStatus) else None,
            "text_scorer": reward_model if isinstance(reward_model, TextScorer) else None,
            "menders": tuple(each for each in self.filters if isinstance(each, Mending)),
            "compares": isinstance(reward_model, Comparing) and reward_model.compares,
        }
        for name, offer in offers.items():
            object.__setattr__(self, name, offer)
