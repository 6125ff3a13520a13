"""The seams as protocols: Generator and Sampling, Filter, RewardModel, AnswerKey, Selector; and
what one of them may offer besides (Forwarder, Snapshotting, EngineStatus, Ignoring; Mending;
Comparing, Refusing, Noting, TextScorer; Suiting, NamedKey; ReadsLogprobs; and what
`bestofn.core.mid_decode`, `model_facts`, `token_rewards` and `tokenizing` have).

An implementation inherits nothing. A new one is one new file, and one line in `bestofn.builders`.
The sixth seam, Controller, is in `bestofn.core.controller`. What is offered besides is asked once,
when a `Pipeline` is made, and stands there as a field.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from bestofn.core.ranking import ScoredCandidate, Selection
from bestofn.core.types import Candidate, Endpoint, Rejection, Request, Score


class Sampling(Protocol):
    """Candidates of one request, in order of completion: an async iterator that can be steered."""

    def __aiter__(self) -> Sampling: ...

    async def __anext__(self) -> Candidate:
        """The next candidate that finished. A failed one has `error` set instead of text.

        May also yield unfinished snapshots (``finish_reason=None``).
        """
        ...

    def abort(self, index: int) -> None:
        """Stop candidate `index` if it still runs; it then comes with finish_reason "abort"."""
        ...

    async def aclose(self) -> None:
        """Abort whatever still runs and free what it holds; safe to call twice."""
        ...


class Generator(Protocol):
    """Samples candidates."""

    def sample(self, request: Request, indices: Sequence[int]) -> Sampling:
        """Start one candidate per index (seed `request.seed_of(index)`), concurrently.

        Raises (here or from the iterator):
            RequestError: the request does not fit the engine (e.g. prompt over the context).
            GeneratorError: the engine is gone.
        """
        ...


@runtime_checkable
class Forwarder(Protocol):
    """What a generator offers besides, where there is an OpenAI API underneath: a whole request
    goes through as it is, and the answer comes back as it is.

    Attributes:
        changes: whether `models` may answer otherwise later.
    """

    changes: bool

    async def answer(self, endpoint: Endpoint, body: Mapping[str, Any]) -> dict[str, Any]:
        """OpenAI's response object to `body`.

        Raises:
            RequestError, GeneratorError: as `Generator.sample`.
        """
        ...

    async def stream(
        self, endpoint: Endpoint, body: Mapping[str, Any]
    ) -> AsyncGenerator[dict[str, Any]]:
        """OpenAI's chunks in answer to `body`, as they come; closing them aborts the request.

        Raises (before the first chunk, or from the iterator):
            RequestError, GeneratorError: as `Generator.sample`.
        """
        ...

    async def models(self) -> list[dict[str, Any]]:
        """OpenAI's model objects of what can be asked for, at least ``id``; the first is the
        default.

        Raises:
            GeneratorError: nobody answers.
        """
        ...


@runtime_checkable
class Snapshotting(Protocol):
    """What a generator says besides, where it can send unfinished candidates.

    Attributes:
        snapshots: whether its samplings yield candidates with ``finish_reason=None`` on the way,
            one after each `Request.snapshot_tokens` of a candidate, where the request has them.
    """

    @property
    def snapshots(self) -> bool:
        """See the class."""
        ...


@runtime_checkable
class EngineStatus(Protocol):
    """What a generator says besides, where its engine may die in this process.

    Attributes:
        dead: whether it has; then nothing is sampled any more.
    """

    @property
    def dead(self) -> bool:
        """See the class."""
        ...


@runtime_checkable
class Ignoring(Protocol):
    """What a generator says besides, where it takes fields of a request that have no effect."""

    def ignored(self, request: Request) -> Sequence[str]:
        """The names of those that this request has.

        Raises:
            RequestError: the request asks for what the engine cannot do.
        """
        ...


class Filter(Protocol):
    """Rejects candidates, one at a time. Runs on the event loop, so it has to be quick; see
    `Portable` and `Waiting` for long texts and for what cannot be."""

    @property
    def name(self) -> str:
        """snake_case; stands in `Rejection.filter`."""
        ...

    def check(self, request: Request, candidate: Candidate) -> Rejection | None:
        """The rejection, or None to keep it. Must not raise: a filter that does fails the
        candidate with reason ``filter_error``."""
        ...


@runtime_checkable
class Mending(Protocol):
    """What a filter offers besides, where it can take off what is no part of an answer."""

    def mend(self, candidate: Candidate) -> Candidate:
        """The candidate as every filter and the reward model are to see it, and as it is returned;
        itself where there is nothing to take off. Must not raise."""
        ...


@runtime_checkable
class Portable(Protocol):
    """What a filter says besides, where its judgement depends on nothing but what it is given.

    Attributes:
        portable: True: long texts are judged in another process, where it is sent by pickle; False
            (or not said): always on the event loop.
    """

    @property
    def portable(self) -> bool:
        """See the class."""
        ...


@runtime_checkable
class Waiting(Protocol):
    """What a filter offers besides, where some of its checks wait for a process of its own."""

    def waits(self, request: Request, candidate: Candidate) -> bool:
        """Whether this check may; then it is made in a thread. Quick: asked on the event loop."""
        ...


class RewardModel(Protocol):
    """Scores candidates of one request."""

    async def score(self, request: Request, candidates: Sequence[Candidate]) -> list[Score]:
        """One `Score` per candidate, in the order given.

        A candidate that cannot be scored gets a `Score` with a `Failure`, never a made-up number.

        Raises:
            RewardError: the model failed for all of them.
        """
        ...


@runtime_checkable
class Comparing(Protocol):
    """What a reward model says besides, where a candidate's reward depends on the others.

    Attributes:
        compares: True: `score` is called once for all candidates of a request that are kept, and
            again with all of them where more are sampled, so that their rewards compare.
    """

    compares: bool


@runtime_checkable
class Refusing(Protocol):
    """What a reward model says besides, where there are conversations that it cannot be shown; a
    filter, where there are requests that it cannot judge by."""

    async def refusal(self, request: Request) -> str | None:
        """Why no answer to this conversation can be scored, or judged, as the end of a sentence;
        None: it may be. It is asked before anything is sampled."""
        ...


@runtime_checkable
class Noting(Protocol):
    """What a reward model says besides, where it reads a conversation otherwise than it stands."""

    def notes_on(self, request: Request) -> Sequence[str]:
        """Sentences for the result's notes; none: it reads this one as it is."""
        ...


@runtime_checkable
class TextScorer(Protocol):
    """What a reward model offers besides, where it can read a text that somebody else has made."""

    async def score_texts(self, texts: Sequence[str]) -> list[Score]:
        """One `Score` per text, in the order given: as `RewardModel.score`, without a template."""
        ...


class AnswerKey(Protocol):
    """Says what of a candidate is voted on. It runs on the event loop, so it has to be quick."""

    def key(self, request: Request, candidate: Candidate) -> str | None:
        """The candidate's answer in a normal form: two candidates of a request with the same key
        say the same. None: it does not vote. Must not raise."""
        ...


@runtime_checkable
class Suiting(Protocol):
    """What an answer key offers besides, where its kind depends on all the answers of a request."""

    def suited(self, request: Request, candidates: Sequence[Candidate]) -> AnswerKey | None:
        """The key of the kind that suits these candidates; None: they have nothing to vote on.
        Does not depend on the order of the candidates."""
        ...


@runtime_checkable
class NamedKey(Protocol):
    """What an answer key says besides: what it is called in reports.

    Attributes:
        kind: number, choice, json, ...
    """

    @property
    def kind(self) -> str:
        """See the class."""
        ...


@runtime_checkable
class ReadsLogprobs(Protocol):
    """What a selector or a policy says besides, where it may read `Candidate.mean_logprob` and
    `Candidate.token_logprobs`: the engine gives them only to who asks."""

    def reads_logprobs(self, *, scored: bool) -> bool:
        """Whether it reads them.

        Args:
            scored: whether there is a reward model.
        """
        ...


class Selector(Protocol):
    """Orders candidates of one request."""

    @property
    def needs_rewards(self) -> bool:
        """Whether it can order only what has a finite reward; one that does not need rewards is
        asked without a reward model too."""
        ...

    async def select(self, request: Request, accepted: Sequence[ScoredCandidate]) -> Selection:
        """Their order, best first, each index exactly once; the values that made it, and the
        confidence in the first."""
        ...
