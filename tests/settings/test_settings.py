"""Settings: precedence, short forms, and one sentence for each mistake."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bestofn.builders.choosing import build_answer_key, build_selector
from bestofn.builders.pipeline import build_filters, open_pipeline
from bestofn.core.best_of_n import best_of_n
from bestofn.core.errors import ConfigError
from bestofn.core.types import Request
from bestofn.settings.judge import JudgeSettings
from bestofn.settings.sections import FilterSpec, SelectorSettings
from bestofn.settings.settings import Settings
from bestofn.testing import FakeGenerator
from tests.support.documented import Documented, documented_blocks


def _file(folder: Path, text: str) -> Path:
    path = folder / "settings.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_flags_win_over_environment_over_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _file(tmp_path, "best_of: 2\nseed: 5\nmodel: from-file\nreward: {device: cpu}\n")
    monkeypatch.setenv("BESTOFN_BEST_OF", "3")
    monkeypatch.setenv("BESTOFN_SEED", "6")
    settings = Settings.load(path, best_of=4, temperature=None)
    assert (settings.best_of, settings.seed, settings.model) == (4, 6, "from-file")
    assert settings.reward.device == "cpu"
    assert settings.temperature is None


def test_nested_sections_merge_across_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _file(tmp_path, "policy: {max_rounds: 5, on_exhausted: error}\n")
    monkeypatch.setenv("BESTOFN_POLICY__MAX_RESAMPLE_TOKENS", "100")
    policy = Settings.load(path, policy={"on_exhausted": "best_rejected"}).policy.policy()
    assert (policy.max_rounds, policy.on_exhausted, policy.max_resample_tokens) == (
        5,
        "best_rejected",
        100,
    )


def test_filters_have_short_forms(tmp_path: Path) -> None:
    path = _file(
        tmp_path, "filters:\n  - empty\n  - length: {max_characters: 9}\n  - {name: empty}\n"
    )
    assert Settings.load(path).filters == [
        FilterSpec(name="empty"),
        FilterSpec(name="length", options={"max_characters": 9}),
        FilterSpec(name="empty"),
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("best_of: 0\n", "best_of: must be at least 1"),
        ("best_off: 4\n", "best_off: there is no such option"),
        ("model: ''\n", "model: must not be empty"),
        ("reward_model: ''\n", "reward_model: must not be empty"),
        ("upstream: ['http://a', '']\n", "upstream.1: must not be empty"),
        ("profiles: {'': {best_of: 2}}\n", "profiles: the name of a profile is empty"),
        ("profiles: {a: {}, '  ': {}}\n", "profiles: the name of a profile is empty"),
        ("server: {host: ''}\n", "server.host: must not be empty"),
        ("server: {host: ' '}\n", "server.host: must not be empty"),
        ("reward: {devise: cpu}\n", "reward.devise"),
        ("policy: {on_exhausted: retry}\n", "policy.on_exhausted"),
        ("a: [\n", "expected the node content"),
        ("- 1\n- 2\n", "the file must hold a mapping of settings"),
    ],
)
def test_a_wrong_file_is_one_sentence_that_names_it(
    tmp_path: Path, text: str, sentence: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        Settings.load(_file(tmp_path, text))
    assert "settings.yaml: " in str(caught.value)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: no such file"):
        Settings.load(Path("nowhere.yaml"))
    with pytest.raises(ConfigError, match=r"/dev/null: this is a pipe or a device"):
        Settings.load(Path("/dev/null"))


def test_an_unknown_filter_lists_the_known() -> None:
    known = "no filter is called 'repetitoin'; there are control_characters, custom, "
    with pytest.raises(ConfigError, match=known):
        build_filters([FilterSpec(name="repetitoin")])


def test_an_unknown_option_names_its_filter() -> None:
    with pytest.raises(ConfigError, match=r"^filter empty: there is no option x$"):
        build_filters([FilterSpec(name="empty", options={"x": 1})])


def test_an_unknown_selector_lists_the_known() -> None:
    with pytest.raises(ConfigError, match="no selector is called 'voting'; there are argmax, auto"):
        build_selector(SelectorSettings(name="voting"))


@pytest.mark.parametrize(
    "settings", [Settings(model="some/model"), Settings(upstream="http://x"), Settings()]
)
async def test_the_embedded_reward_model_never_scores_what_another_model_says(
    settings: Settings,
) -> None:
    generator = FakeGenerator(["It is 4.", "It is 5.", "It is 4.", "It is 4."])
    async with open_pipeline(settings, generator=generator) as pipeline:
        assert pipeline.reward_model is None
        ranking = await best_of_n(Request.from_prompt("2 + 2?", best_of=4), pipeline)
    assert ranking.winner is not None
    assert (ranking.winner.text, ranking.confidence) == ("It is 4.", 0.75)


def test_a_selector_is_named_alone_with_options_or_by_its_earlier_name() -> None:
    alone = Settings(selector="vote").selector  # type: ignore[arg-type]
    assert alone == SelectorSettings(name="vote")
    options = {"weighted_vote": {"temperature": 0.5}}
    written = SelectorSettings(name="weighted_vote", options={"temperature": 0.5})
    assert Settings(selector=options).selector == written  # type: ignore[arg-type]
    earlier = {"name": "argmax", "options": {"tolerance": 0.1}}
    assert Settings(selection=earlier).selector.name == "argmax"  # type: ignore[call-arg]
    assert Settings().selector.name == "auto"
    assert Settings(answer_key="number").answer_key.name == "number"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ({"weighted_vote": {"heat": 1}}, "selector weighted_vote: there is no option heat"),
        ({"weighted_vote": {"answer_key": 1}}, "there is no option answer_key"),
        ({"weighted_vote": {"temperature": "hot"}}, "temperature: must be a number"),
        ({"weighted_vote": {"temperature": 0}}, "temperature is 0.0; it must be above 0"),
        ({"weighted_vote": {"temperature": float("nan")}}, "it must be above 0"),
        ({"auto": {"scattered": 2}}, "scattered is 2.0; it must be 0 to 1"),
        ({"soft": {"temperature": -1}}, "soft: temperature is -1.0"),
        (
            {"consensus": {"similarity": "bleu"}},
            "similarity: must be 'ngrams' or 'rouge-l'",
        ),
        ({"best_of_majority": {"share": 2}}, "share is 2.0; it must be 0 to 1"),
        ({"majority_of_bests": {"m": 0}}, "m is 0; it must be 1 to 1,000,000"),
        ({"majority_of_bests": {"m": 10**400}}, "it must be 1 to 1,000,000"),
        ({"confidence": {"window": 0}}, "window is 0; it must be at least 1"),
        ({"length_corrected": {"least": 2}}, "least is 2; it must be at least 3"),
    ],
)
def test_a_wrong_option_of_a_selector_is_one_sentence(spec: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        build_selector(Settings(selector=spec).selector)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("numbers", "no answer key is called 'numbers'; there are auto, choice"),
        ({"pattern": {"pattern": "("}}, "answer key pattern: '('"),
        ({"pattern": {}}, "answer key pattern: pattern is required"),
        ({"custom": {"path": "nowhere:f"}}, "nowhere cannot be imported"),
        ({"text": {"longest": 0}}, "longest is 0; it must be at least 1"),
        ({"json": {"leave_out": "id"}}, "answer key json: leave_out"),
    ],
)
def test_a_wrong_answer_key_is_one_sentence(spec: Any, sentence: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        build_answer_key(Settings(answer_key=spec).answer_key)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (Settings(engine="openai"), "no upstream is named"),
        (Settings(engine="vllm", upstream="http://x", reward_model="none"), "the engine is vllm"),
        (Settings(engine="transformers", engine_args=["--x"]), "the engine is transformers"),
    ],
)
async def test_settings_that_contradict_each_other_load_nothing(
    settings: Settings, sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        async with open_pipeline(settings):
            pass


@pytest.mark.parametrize("written", documented_blocks("yaml"), ids=lambda block: block.where)
def test_the_settings_that_the_documentation_shows_are_settings(
    tmp_path: Path, written: Documented
) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(written.line, encoding="utf-8")
    settings = Settings.load(path)
    assert settings != Settings()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("best_of: 2024-13-45\n", "best_of: must be a whole number"),
        ("best_of: !!timestamp x\n", "best_of: must be a whole number"),
        ("best_of: !!int x\n", r"'x' is no !!int \(line 1\)"),
        ("best_of: 2\nmodel: !!bool x\n", r"'x' is no !!bool \(line 2\)"),
        ("best_of: !!int ''\n", r"'' is no !!int \(line 1\)"),
        ("best_of: 1" + ":1" * 200 + ".5\n", r" is no !!float \(line 1\)"),
        ("best_of: 2\n3: 1\n", r"a key is no text \(line 2\)"),
        ("yes: 1\n", r"a key is no text \(line 1\)"),
        ("best_of: 2\n<<: {3: 1}\n", r"a key is no text \(line 2\)"),
        ("server:\n  3: 1\n", r"a key is no text \(line 2\)"),
        ("!!set {ab, cd}\n", "the file must hold a mapping of settings"),
        ("!!omap [best_of: 1]\n", "the file must hold a mapping of settings"),
    ],
)
def test_what_yaml_makes_of_a_text_is_one_sentence(
    tmp_path: Path, text: str, sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        Settings.load(_file(tmp_path, text))


@pytest.mark.parametrize(
    "written",
    [
        "temperature: off",
        "seed: no",
        "best_of: yes",
        "request_timeout_seconds: true",
        "server: {port: yes}",
        "server: {connections: {most: on}}",
        "stop: {rule: auto, min: yes}",
    ],
)
def test_a_truth_value_is_no_number(written: str, tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text(written, encoding="utf-8")
    with pytest.raises(ConfigError, match="must be a number, not true or false"):
        Settings.load(tmp_path / "settings.yaml")


def test_nor_is_one_an_option_that_is_a_number() -> None:
    sentence = "must be a number, not true or false"
    with pytest.raises(ConfigError, match=f"^filter length: max_tokens: {sentence}"):
        build_filters([FilterSpec(name="length", options={"max_tokens": True})])
    with pytest.raises(ConfigError, match=f"^selector weighted_vote: temperature: {sentence}"):
        build_selector(SelectorSettings(name="weighted_vote", options={"temperature": False}))


def test_nor_is_one_in_a_list_of_numbers() -> None:
    with pytest.raises(ValidationError, match="must be a number, not true or false"):
        JudgeSettings(url="http://judge", scale=(False, 10))
    assert JudgeSettings(url="http://judge", scale=(0, 10)).scale == (0, 10)
