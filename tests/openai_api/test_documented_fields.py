"""OpenAI's documented fields on engines that have no use for them."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from bestofn.core.best_of_n import best_of_n
from bestofn.core.errors import RequestError
from bestofn.core.pipeline import Pipeline
from bestofn.core.types import Request
from bestofn.openai_api.documented_fields import IGNORED, OLDER, engine_fields
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.testing import FakeGenerator

WITHOUT_EFFECT: dict[str, Any] = {
    "metadata": {"a": "b"},
    "store": True,
    "service_tier": "auto",
    "prediction": {"type": "content", "content": "3"},
    "modalities": ["text"],
    "verbosity": "low",
    "prompt_cache_key": "k",
    "safety_identifier": "s",
    "web_search_options": {},
    "user": "u",
}


def test_what_has_no_effect_is_ignored_and_named() -> None:
    given, ignored = engine_fields({**WITHOUT_EFFECT, "top_p": 0.5}, known={"top_p"})
    assert given == {"top_p": 0.5}
    assert set(ignored) == set(WITHOUT_EFFECT)
    known = engine_fields(WITHOUT_EFFECT, known=WITHOUT_EFFECT)
    assert known == (WITHOUT_EFFECT, []), "what the engine has goes in"


def test_null_is_as_if_it_were_not_there() -> None:
    nulls = dict.fromkeys(IGNORED | OLDER.keys())
    assert engine_fields({**nulls, "functions": []}, known=()) == ({}, [])


def test_a_misspelling_stays_the_engines_to_refuse() -> None:
    for name in ("metdata", "Store", "verbosity_"):
        assert engine_fields({name: None}, known=()) == ({name: None}, [])


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"modalities": ["text", "audio"], "audio": {"voice": "a"}}, "answers with text"),
        ({"functions": [{"name": "f"}]}, "functions is not taken .* send tools"),
        ({"function_call": "auto"}, "function_call .* send tool_choice"),
    ],
)
def test_what_would_change_the_answer_is_refused(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence):
        engine_fields(fields, known=())


class _Ignoring(FakeGenerator):
    def ignored(self, request: Request) -> Sequence[str]:
        return engine_fields(request.options, known={"top_p"})[1]


async def test_what_is_ignored_stands_in_the_notes() -> None:
    pipeline = Pipeline(_Ignoring(["good"]), ArgmaxSelector(), ())
    options = {"store": True, "metadata": {"a": "b"}, "top_p": 0.5}
    ranking = await best_of_n(Request.from_prompt("x", best_of=1, options=options), pipeline)
    assert ranking.notes == ("without an effect on this engine: metadata, store",)
    plain = await best_of_n(Request.from_prompt("x", best_of=1), pipeline)
    assert plain.notes == ()


@pytest.mark.long
def test_the_fallback_engine_takes_them_and_refuses_a_misspelling() -> None:
    model = SimpleNamespace(config=SimpleNamespace(max_position_embeddings=8))
    from bestofn.generators.transformers import TransformersGenerator

    generator = TransformersGenerator(model, SimpleNamespace(chat_template="{{ messages }}"))
    assert set(generator.ignored(Request.from_prompt("x", options=WITHOUT_EFFECT))) == set(
        WITHOUT_EFFECT
    )
    with pytest.raises(RequestError, match="knows no field metdata: did you mean metadata"):
        generator.sample(Request.from_prompt("x", options={"metdata": {}, "store": True}), [0])
    generator.close()
