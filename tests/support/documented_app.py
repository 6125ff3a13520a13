"""The app whose OpenAPI page tests read: fakes that answer, reject and score at once."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import FastAPI
from pydantic import SecretStr

from bestofn import Pipeline, Score, Settings
from bestofn.builders.choosing import build_selector
from bestofn.builders.pipeline import build_filters
from bestofn.settings.sections import ServerSettings
from bestofn.testing import FakeCompletion, FakeGenerator, FakeRewardModel
from bestofn_server.app import create_app

KEY = "secret"
ANSWERS: list[str | FakeCompletion] = [
    "It is three.",
    "8 - 5 = 3.",
    FakeCompletion("It is the", "length"),
    "Three, I think.",
]


class FakeTextScorer(FakeRewardModel):
    """A fake that scores ready-made texts too."""

    async def score_texts(self, texts: Sequence[str]) -> list[Score]:
        return [Score(-float(len(text)), tokens=len(text)) for text in texts]


def documented_app(*keys: str) -> FastAPI:
    """The app, behind these keys; none: open to all."""
    settings = Settings(best_of=4, server=ServerSettings(api_keys=[SecretStr(key) for key in keys]))
    pipeline = Pipeline(
        FakeGenerator(ANSWERS),
        build_selector(settings.selector),
        build_filters(settings.filters),
        FakeTextScorer(lambda request, candidate: -float(len(candidate.text))),
    )
    return create_app(settings, pipeline)
