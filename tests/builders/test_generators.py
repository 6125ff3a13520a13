"""`generators:` in the settings: read, refused, opened, and sampled from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from bestofn.builders.generators import sampled_here, sources_of
from bestofn.builders.pipeline import open_pipeline
from bestofn.builders.reward_plan import RewardPlan
from bestofn.control.agreement import Agreement
from bestofn.control.policy import Policy
from bestofn.core.best_of_n import best_of_n
from bestofn.core.errors import ConfigError, ModelError
from bestofn.core.types import Request
from bestofn.dataset.store.identity import identity_of
from bestofn.settings.settings import Settings
from tests.support.upstream import Upstream, failure, running

TWO = ["name=small upstream=http://localhost:1 model=s", "name=large upstream=http://localhost:2"]


def says(text: str) -> Any:
    def script(body: dict[str, Any]) -> Response:
        message = {"role": "assistant", "content": f"{text} from {body['model']}"}
        choices = [
            {"index": at, "message": message, "finish_reason": "stop"}
            for at in range(body.get("n", 1))
        ]
        usage = {"prompt_tokens": 2, "completion_tokens": 3}
        return JSONResponse({"choices": choices, "usage": usage})

    return script


@pytest.mark.parametrize("model", ["./nowhere", "/no/such", __file__])
async def test_a_path_to_no_model_is_refused_before_an_engine_is_started(model: str) -> None:
    with pytest.raises(ModelError, match=r"does not exist|is a file; a model is a folder"):
        async with open_pipeline(Settings(model=model, reward_model="none", engine="vllm")):
            pass


def test_generators_are_read_from_a_few_words() -> None:
    small, large = Settings.load(generators=TWO).generators
    assert (small.name, small.upstream, small.model, small.share) == (
        "small",
        "http://localhost:1",
        "s",
        1.0,
    )
    assert large.model is None


def test_generators_are_read_from_a_file_and_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(
        "generators:\n- {name: a, upstream: 'http://x', share: 2}\n- {name: b, upstream: [u, v]}\n"
    )
    assert [each.share for each in Settings.load(file).generators] == [2.0, 1.0]
    monkeypatch.setenv("BESTOFN_GENERATORS", '[{"name": "c", "upstream": "http://y"}]')
    assert [each.name for each in Settings.load().generators] == ["c"]


@pytest.mark.parametrize(
    ("generators", "further", "error"),
    [
        (TWO, {"model": "m"}, "generators are given, and model too"),
        (TWO, {"upstream": "http://z"}, "generators are given, and upstream too"),
        ([TWO[0], TWO[0]], {}, "several generators are called small"),
        (["name=a model=n", "name=b model=m"], {}, "a and b would share this process"),
        (["name=a engine=none"], {}, "a: the engine is none, which samples nothing"),
        (["name=a engine=openai"], {}, "a: the engine is openai, and no upstream"),
    ],
)
def test_generators_that_contradict_are_one_sentence(
    generators: list[str], further: dict[str, Any], error: str
) -> None:
    with pytest.raises(ConfigError, match=error):
        sources_of(Settings.load(generators=generators, **further))


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("name=a share=0", "must be above 0"),
        ("name=a share", "no option with a value"),
        ("name=a name=b", "name is given twice"),
        ("share=1", "generators.0.name"),
        ("name=a size=3", "generators.0.size"),
    ],
)
def test_a_wrong_option_of_a_generator_is_named(words: str, error: str) -> None:
    with pytest.raises(ConfigError, match=error):
        Settings.load(generators=[words])


def test_one_of_them_may_sample_here() -> None:
    settings = Settings.load(generators=["name=here model=m", TWO[0]])
    here = sampled_here(settings)
    assert here is not None
    assert here.model == "m"
    assert sampled_here(Settings.load(generators=TWO)) is None


def test_nothing_scores_others_answers_by_itself() -> None:
    assert RewardPlan.of(Settings.load(generators=TWO)).rewards == ()


def test_a_run_remembers_its_generators_and_no_keys() -> None:
    settings = Settings.load(generators=[f"{TWO[0]} upstream_api_key=secret", TWO[1]])
    kept = identity_of(settings, source="x", columns={})
    assert [each["name"] for each in kept["generators"]] == ["small", "large"]
    assert "secret" not in str(kept)
    assert "***" not in str(kept)
    assert "generators" not in identity_of(Settings.load(), source="x", columns={})


async def test_two_upstreams_share_a_request_and_one_that_fails_costs_its_own() -> None:
    with running(Upstream(says("hello"))) as good, running(Upstream(says("x"))) as bad:
        words = [
            f"name=good upstream={good.url} model=g share=3",
            f"name=bad upstream={bad.url} model=b",
        ]
        async with open_pipeline(Settings.load(generators=words)) as pipeline:
            assert pipeline.sources == 2
            request = Request.from_prompt("hi", best_of=4)
            both = await best_of_n(request, pipeline)
            bad.script = lambda body: failure(400, "no")
            half = await best_of_n(request, pipeline)
    texts = sorted(each.text for each in both.candidates)
    assert texts == ["hello from g"] * 3 + ["x from b"]
    assert {each.candidate.generator for each in half.ranked} == {"good"}
    assert len(half.ranked) == 3


@pytest.mark.parametrize("rule", ["plateau", "expected_gain", "evidence share=0.6"])
async def test_a_rule_that_reads_logprobs_of_several_models_is_refused(rule: str) -> None:
    with running(Upstream(says("x"))) as one:
        words = [f"name={name} upstream={one.url} model={name}" for name in "ab"]
        with pytest.raises(ConfigError, match="log-probabilities of several generators do not"):
            async with open_pipeline(Settings.load(generators=words, stop=rule)):
                pass


async def test_auto_stops_by_agreement_over_several_models() -> None:
    with running(Upstream(says("x"))) as one:
        words = [f"name={name} upstream={one.url} model={name}" for name in "ab"]
        async with open_pipeline(Settings.load(generators=words, stop="auto")) as pipeline:
            assert isinstance(pipeline.policy, Policy)
            assert isinstance(pipeline.policy.stop, Agreement)


async def test_an_upstreams_context_bounds_a_limit_that_grows() -> None:
    def cut(body: dict[str, Any]) -> Response:
        message = {"role": "assistant", "content": "cut"}
        choices = [{"index": 0, "message": message, "finish_reason": "length"}]
        return JSONResponse({"choices": choices, "usage": {"prompt_tokens": 7}})

    with running(Upstream(cut, context=40)) as one:
        settings = Settings.load(upstream=one.url, policy={"grow": 8}, best_of=1, max_tokens=10)
        async with open_pipeline(settings) as pipeline:
            assert pipeline.context == 40
            await best_of_n(Request.from_prompt("hi", best_of=1, max_tokens=10), pipeline)
        assert [body["max_completion_tokens"] for body in one.bodies] == [10, 33]


async def test_of_several_servers_the_least_context_counts() -> None:
    with running(Upstream(says("x"), context=40)) as one, running(Upstream(says("x"))) as other:
        async with open_pipeline(Settings.load(upstream=[one.url, other.url])) as pipeline:
            assert pipeline.context == 40
