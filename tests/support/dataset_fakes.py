"""A pipeline over fakes whose answers and rewards follow from the prompt and the seed alone."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence

from bestofn.control.policy import Policy
from bestofn.core.pipeline import Pipeline
from bestofn.core.types import Candidate, Request, Score
from bestofn.dataset.prompts.rows import Defaults, Row, read_row
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.testing import FakeCompletion, FakeGenerator
from tests.support.scripts import CutFilter, LoopFilter

CONFIG = {"model": "fake", "best_of": 4, "reward": {"format": None}}
DEFAULTS = Defaults(4, seed=1)


def drawn(*what: object) -> int:
    """A number that follows from what is given."""
    return int.from_bytes(hashlib.sha256(repr(what).encode()).digest()[:4])


def answer(request: Request, index: int) -> FakeCompletion:
    """An answer that may be cut, may loop, and takes its time."""
    number = drawn(request.last_user_text, request.seed_of(index))
    reason = "length" if number % 7 == 0 else "stop"
    text = "loop " * 3 if number % 11 == 0 else f"answer {number % 50}"
    return FakeCompletion(text, finish_reason=reason, delay=(number % 5) / 1000)


class Drawn:
    """Rewards by text."""

    async def score(self, request: Request, candidates: Sequence[Candidate]) -> list[Score]:
        return [Score((drawn(each.text) % 1000) / 100 - 5, tokens=3) for each in candidates]


def pipeline(
    script: Callable[[Request, int], str | FakeCompletion] = answer, reward_model: object = None
) -> Pipeline:
    """A pipeline over `script` with both filters; rewards by text unless a model is given."""
    model = reward_model or Drawn()
    return Pipeline(
        FakeGenerator(script),
        ArgmaxSelector(),
        (CutFilter(), LoopFilter()),
        model,  # type: ignore[arg-type]
        Policy("best_rejected"),
    )


def rows(count: int, broken: Sequence[int] = ()) -> Iterator[Row]:
    """`count` rows of a file of prompts; those whose number is in `broken` cannot be read."""
    for number in range(count):
        record = "it is no JSON: line 1" if number in broken else {"prompt": f"question {number}"}
        yield read_row(number, f"prompts.jsonl:{number + 1}", record, {}, DEFAULTS)
