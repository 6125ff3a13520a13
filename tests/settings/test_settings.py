"""Settings: precedence, short forms, and one sentence for each mistake."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bestofn.builders.pipeline import build_filters, build_selector, open_pipeline
from bestofn.core.errors import ConfigError
from bestofn.settings.sections import FilterSpec, SelectionSettings
from bestofn.settings.settings import Settings


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
        ("best_of: 0\n", "best_of: Input should be greater than or equal to 1"),
        ("best_off: 4\n", "best_off: Extra inputs are not permitted"),
        ("reward: {devise: cpu}\n", "reward.devise"),
        ("policy: {on_exhausted: retry}\n", "policy.on_exhausted"),
        ("a: [\n", "while parsing"),
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


def test_an_unknown_filter_lists_the_known() -> None:
    known = "no filter is called 'repetitoin'; there are control_characters, custom, "
    with pytest.raises(ConfigError, match=known):
        build_filters([FilterSpec(name="repetitoin")])


def test_an_unknown_option_names_its_filter() -> None:
    with pytest.raises(ConfigError, match=r"^filter empty: got an unexpected keyword argument 'x'"):
        build_filters([FilterSpec(name="empty", options={"x": 1})])


def test_an_unknown_selector_lists_the_known() -> None:
    with pytest.raises(ConfigError, match="no selector is called 'vote'; there are argmax"):
        build_selector(SelectionSettings(name="vote"))


async def test_a_foreign_model_needs_a_reward_model_of_its_own() -> None:
    with pytest.raises(ConfigError, match="no reward model is named"):
        async with open_pipeline(Settings(model="some/model")):
            pass


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (Settings(engine="openai"), "no upstream is named"),
        (Settings(engine="vllm", upstream="http://x", reward_model="none"), "the engine is vllm"),
        (Settings(engine="transformers", engine_args=["--x"]), "the engine is transformers"),
        (Settings(upstream="http://x"), "no reward model is named"),
    ],
)
async def test_settings_that_contradict_each_other_load_nothing(
    settings: Settings, sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        async with open_pipeline(settings):
            pass


README = Path(__file__).parents[2] / "README.md"


@pytest.mark.parametrize(
    "written", re.findall(r"```yaml\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
)
def test_the_readmes_settings_are_settings(tmp_path: Path, written: str) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(written, encoding="utf-8")
    settings = Settings.load(path)
    assert settings != Settings()
