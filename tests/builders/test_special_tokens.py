"""The special tokens of the model that samples reach the filter of template tokens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bestofn.builders.pipeline import build_filters
from bestofn.builders.special_tokens import special_tokens_of, with_special_tokens
from bestofn.filters.template_token import TemplateTokenFilter
from bestofn.settings.sections import FilterSpec
from bestofn.settings.settings import Settings
from tests.support.filter_checking import rejection

ADDED = {
    "0": {"content": "⟦fin⟧", "special": True},
    "1": {"content": "<tool>", "special": False},
    "2": {"content": "<|spare_7|>", "special": True},
}


@pytest.fixture
def model(tmp_path: Path) -> str:
    """A folder with the files of a tokenizer."""
    config = {"eos_token": "⟦fin⟧", "bos_token": {"content": "⟦go⟧"}, "added_tokens_decoder": ADDED}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    return str(tmp_path)


def test_they_are_read_from_the_tokenizers_files(model: str, tmp_path: Path) -> None:
    assert special_tokens_of(Settings(model=model)) == ("⟦go⟧", "⟦fin⟧", "<|spare_7|>")
    added = {"added_tokens": [{"content": "⟦more⟧", "special": True}]}
    (tmp_path / "tokenizer.json").write_text(json.dumps(added), encoding="utf-8")
    assert special_tokens_of(Settings(model=model))[-1] == "⟦more⟧"


def test_they_are_those_of_the_embedded_model_where_none_is_named() -> None:
    assert "</s>" in special_tokens_of(Settings())


def test_a_broken_file_is_the_engines_to_tell(tmp_path: Path) -> None:
    (tmp_path / "tokenizer_config.json").write_text("{oops", encoding="utf-8")
    assert special_tokens_of(Settings(model=str(tmp_path))) == ()


def test_an_upstreams_tokens_and_those_of_a_model_that_is_not_here_are_not_known() -> None:
    assert special_tokens_of(Settings(upstream="http://localhost:1", model="x")) == ()
    assert special_tokens_of(Settings(model="nobody/no-such-model")) == ()


def test_the_filter_knows_them_and_options_of_its_own_stand(model: str) -> None:
    settings = Settings(model=model)
    named = FilterSpec(name="template_token", options={"tokens": ["⟦mine⟧"]})
    specs = [FilterSpec(name="empty"), FilterSpec(name="template_token"), named]
    _, judge, own = with_special_tokens(build_filters(specs), settings)
    assert isinstance(judge, TemplateTokenFilter)
    assert isinstance(own, TemplateTokenFilter)
    assert own.tokens == ["⟦mine⟧"]
    found = rejection(judge, "It is 4.⟦fin⟧\nuser: and 3 + 3?")
    assert found is not None
    assert (found.reason, found.certain) == ("dialogue_goes_on", True)
    assert rejection(judge, "It is 4.<|spare_12|> And so on.") is not None
    assert rejection(TemplateTokenFilter(), "It is 4.⟦fin⟧\nuser: and 3 + 3?") is None
