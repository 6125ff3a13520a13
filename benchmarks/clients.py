"""Clients of every kind that a server meets: patient ones, readers of streams, those who hang up,
and those who send what is wrong. Each request ends in one outcome, which is counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

CHAT = "/v1/chat/completions"
PROMPTS = (
    "What is 7 + 5?",
    "I have 7 shells and find 3 more. How many shells do I have now?",
    "Arrange the numbers 6, 4, 9 in descending order.",
    "7和2哪个大？",
)
MAX_TOKENS = 32

HUNG_UP = "hung up"
ANSWERED = "200"
Outcome = str
"""The status of a whole answer; `HUNG_UP`; or a sentence that says what is wrong."""

Send = Callable[[aiohttp.ClientSession, random.Random], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A way to ask.

    Args:
        name: what it is.
        weight: how often it is chosen, among the others.
        send: sends one request.
        expected: the outcomes that are right.
    """

    name: str
    weight: int
    send: Send
    expected: frozenset[Outcome]


def body(chance: random.Random, **fields: Any) -> dict[str, Any]:
    """A request for a short answer."""
    message = {"role": "user", "content": chance.choice(PROMPTS)}
    return {"messages": [message], "max_tokens": MAX_TOKENS, **fields}


def _whole(**fields: Any) -> Send:
    async def send(session: aiohttp.ClientSession, chance: random.Random) -> Outcome:
        async with session.post(CHAT, json=body(chance, **fields)) as response:
            answer = await response.json()
            if response.status != 200:
                return _told(response.status, answer)
            return _fault(answer) or ANSWERED

    return send


def _streamed(**fields: Any) -> Send:
    async def send(session: aiohttp.ClientSession, chance: random.Random) -> Outcome:
        async with session.post(CHAT, json=body(chance, stream=True, **fields)) as response:
            if response.status != 200:
                return _told(response.status, await response.json())
            events = [line async for line in response.content if line.startswith(b"data: ")]
        return _fault_of_stream(events) or ANSWERED

    return send


def _hanging_up(*, stream: bool) -> Send:
    async def send(session: aiohttp.ClientSession, chance: random.Random) -> Outcome:
        asked = body(chance, stream=stream, max_tokens=256, ignore_eos=True)
        with contextlib.suppress(TimeoutError):
            async with (
                asyncio.timeout(chance.uniform(0.0, 0.5)),
                session.post(CHAT, json=asked, headers={"connection": "close"}) as response,
            ):
                await response.read()
        return HUNG_UP

    return send


_WRONG: Sequence[Mapping[str, Any] | bytes] = (
    {"best_of": 0},
    {"best_of": 2, "n": 3},
    {"n": "3"},
    {"temperature": 5},
    {"bestofn": {"colour": "red"}},
    {"messages": []},
    {"max_tokens": 2**31},
    b'{"messages": [',
)


async def _wrong(session: aiohttp.ClientSession, chance: random.Random) -> Outcome:
    given = chance.choice(_WRONG)
    content = given if isinstance(given, bytes) else json.dumps({**body(chance), **given}).encode()
    headers = {"content-type": "application/json"}
    async with session.post(CHAT, data=content, headers=headers) as response:
        return _told(response.status, await response.json())


async def _unknown_model(session: aiohttp.ClientSession, chance: random.Random) -> Outcome:
    async with session.post(CHAT, json=body(chance, model="no/such")) as response:
        return _told(response.status, await response.json())


def _of(*outcomes: Outcome) -> frozenset[Outcome]:
    return frozenset(outcomes)


_ALL = {"bestofn": {"return_candidates": "summary"}}
_RANKED = _of(ANSWERED, "422", "429")
_FORWARDED = _of(ANSWERED, "429")
KINDS: Sequence[Kind] = (
    Kind("best of N", 8, _whole(**_ALL), _RANKED),
    Kind("best of N, streamed", 4, _streamed(**_ALL), _RANKED),
    Kind("passed through", 1, _whole(best_of=1), _FORWARDED),
    Kind("passed through, streamed", 1, _streamed(best_of=1), _FORWARDED),
    Kind("hangs up", 2, _hanging_up(stream=False), _of(HUNG_UP)),
    Kind("hangs up on a stream", 2, _hanging_up(stream=True), _of(HUNG_UP)),
    Kind("wrong", 3, _wrong, _of("400")),
    Kind("no such model", 1, _unknown_model, _of("404")),
)
"""What clients do."""


def _told(status: int, answer: Any) -> Outcome:
    """The status of a refusal, where it is OpenAI's envelope."""
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict) or not error.get("message"):
        return f"{status} without the envelope"
    return str(status)


def _fault(answer: Any) -> Outcome | None:
    """What is wrong with an answer; None: nothing."""
    if not answer.get("choices"):
        return "200 without a choice"
    report = answer.get("bestofn")
    return None if report is None else _fault_of_report(report)


def _fault_of_report(report: Mapping[str, Any]) -> Outcome | None:
    """Whether every sampled candidate is ranked, rejected or failed."""
    states = [
        each["rank"] is not None or bool(each["rejections"]) or each["failure"] is not None
        for each in report["candidates"] or ()
    ]
    told = sum(states)
    sampled = report["sampled"]
    return None if told == len(states) == sampled else f"{told} of {sampled} candidates"


def _fault_of_stream(events: Sequence[bytes]) -> Outcome | None:
    """What is wrong with a stream; None: nothing."""
    if not events or events[-1].strip() != b"data: [DONE]":
        return "a stream that breaks off"
    chunks = [json.loads(event.removeprefix(b"data: ")) for event in events[:-1]]
    if errors := [chunk["error"] for chunk in chunks if "error" in chunk]:
        return f"a stream with the error {errors[0].get('code')}"
    reasons = [c.get("finish_reason") for chunk in chunks for c in chunk.get("choices", ())]
    if not any(reasons):
        return "a stream without an end"
    reports = [chunk["bestofn"] for chunk in chunks if chunk.get("bestofn")]
    return _fault_of_report(reports[-1]) if reports else None


@dataclass(frozen=True, slots=True)
class Crowd:
    """What a crowd of clients was told.

    Args:
        outcomes: how often each, by the kind of client.
    """

    outcomes: Mapping[str, Counter[Outcome]]

    @property
    def sent(self) -> int:
        """All requests."""
        return sum(counter.total() for counter in self.outcomes.values())

    def told(self, outcome: Outcome) -> int:
        """How often anybody was told this."""
        return sum(counter[outcome] for counter in self.outcomes.values())

    @property
    def wrong(self) -> Mapping[str, Counter[Outcome]]:
        """Outcomes that no client should have had, by kind."""
        found = {
            kind.name: Counter(
                {k: v for k, v in self.outcomes[kind.name].items() if k not in kind.expected}
            )
            for kind in KINDS
        }
        return {name: counter for name, counter in found.items() if counter}


async def crowd(url: str, clients: int, seconds: float, seed: int = 0) -> Crowd:
    """So many clients, for so long; each asks again as soon as it is done, in a way chosen anew.

    Requests that are under way at the end are waited for.
    """
    outcomes: dict[str, Counter[Outcome]] = {kind.name: Counter() for kind in KINDS}
    weights = [kind.weight for kind in KINDS]
    loop = asyncio.get_running_loop()
    ends = loop.time() + seconds
    timeout = aiohttp.ClientTimeout(total=300)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(url, connector=connector, timeout=timeout) as session:

        async def client(number: int) -> None:
            chance = random.Random(1000 * seed + number)
            while loop.time() < ends:
                (kind,) = chance.choices(KINDS, weights)
                try:
                    outcome = await kind.send(session, chance)
                except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                    outcome = type(error).__name__
                outcomes[kind.name][outcome] += 1

        async with asyncio.TaskGroup() as group:
            for number in range(clients):
                group.create_task(client(number))
    return Crowd(outcomes)
