"""What run.json keeps of a run's settings: no secrets, and an input as one, however it is spelt."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest

from bestofn.core.errors import ConfigError, DatasetError
from bestofn.dataset.export.card import write_card
from bestofn.dataset.export.summary import Summary
from bestofn.dataset.run.local import run
from bestofn.dataset.run.options import RunOptions
from bestofn.dataset.store.configuration import differences, without_secrets
from bestofn.dataset.store.identity import identity_of
from bestofn.dataset.store.manifest import NAME, Manifest
from bestofn.dataset.store.rollouts import read_rollouts, run_state
from bestofn.dataset.store.store import Store
from bestofn.settings.settings import Settings
from bestofn.testing import FakeCompletion
from tests.support import dataset_fakes as fakes

SECRET = "sk-secret"


def secretive() -> Settings:
    return Settings(
        engine_args=["--api-key", SECRET, f"--hf_token={SECRET}", "--max-model-len", "64"],
        reward_model=f"https://me:{SECRET}@host:8/v1?key={SECRET}#{SECRET}",
        rewards=[{"kind": "judge", "url": f"http://{SECRET}@judge", "api_key": SECRET}],  # type: ignore[list-item]
        upstream=f"http://me:{SECRET}@host/v1?api-version=1&key={SECRET}",
    )


def test_keys_and_queries_of_urls_are_kept_nowhere(tmp_path: Path) -> None:
    config = identity_of(secretive(), source="org/data", columns={})
    assert SECRET not in json.dumps(config)
    assert config["upstream"] == "http://host/v1"
    assert config["engine_args"] == ["--api-key", "***", "--hf_token=***", "--max-model-len", "64"]


def test_a_run_of_0_1_that_kept_them_goes_on_and_loses_them(tmp_path: Path) -> None:
    url = f"http://me:{SECRET}@host/v1?key={SECRET}"
    Store.open(tmp_path, {**fakes.CONFIG, "upstream": url}).close()
    kept = {**json.loads((tmp_path / NAME).read_text("utf-8"))}
    assert SECRET in json.dumps(kept)
    write_card(tmp_path, run_state(tmp_path), Summary(), [], licence=None)
    assert SECRET not in (tmp_path / "README.md").read_text("utf-8")
    Store.open(tmp_path, {**fakes.CONFIG, "upstream": "http://host/v1"}).close()
    assert SECRET not in (tmp_path / NAME).read_text("utf-8")


@pytest.mark.parametrize("text", ["http://[broken?key=1", "no url?key=1", "org/name"])
def test_what_is_no_url_is_left_but_for_a_query(text: str) -> None:
    assert without_secrets({"a": [text]}) == {"a": ["http://[broken" if "[" in text else text]}


def test_a_file_is_one_input_however_it_is_spelt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ok.jsonl").touch()
    (tmp_path / "link.jsonl").symlink_to("ok.jsonl")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    spelt = ("ok.jsonl", "./ok.jsonl", str(tmp_path / "ok.jsonl"), "~/ok.jsonl", "link.jsonl")
    made = [identity_of(Settings(), source=each, columns={}) for each in spelt]
    assert all(differences(made[0], each) == [] for each in made)
    begun_by_0_1 = {**made[0], "input": "ok.jsonl"}
    assert differences(begun_by_0_1, made[2]) == []
    assert differences(begun_by_0_1, {**made[0], "input": "other"}) != []


def test_the_card_names_an_input_and_no_path_of_the_machine(tmp_path: Path) -> None:
    Store.open(tmp_path, {**fakes.CONFIG, "input": "/no/more/there.jsonl"}).close()
    write_card(tmp_path, run_state(tmp_path), Summary(), [], licence=None)
    card = (tmp_path / "README.md").read_text("utf-8")
    assert "input: there.jsonl" in card
    assert "/no/more" not in card
    assert "The run is not finished: 0 rows are there" in card


OTHER = {**fakes.CONFIG, "best_of": 8}


async def sample(folder: Path, config: Any, **script: Any) -> None:
    with contextlib.closing(Store.open(folder, config)) as store:
        options = RunOptions(in_flight=2, failures_in_a_row=10)
        pipeline = fakes.pipeline(lambda *_: FakeCompletion("answer", **script))
        await run(fakes.rows(4, [2]), store, pipeline, options)


async def test_a_run_that_sampled_nothing_does_not_pin_its_settings(tmp_path: Path) -> None:
    Store.open(tmp_path, fakes.CONFIG).close()  # it failed at its start
    await sample(tmp_path, OTHER, error="gone")  # every row failed, and they are in a shard
    assert [record["status"] for record in read_rollouts(tmp_path)] == [
        *["failed"] * 2,
        "unreadable",
        "failed",
    ]
    await sample(tmp_path, fakes.CONFIG)
    manifest = Manifest.read(tmp_path)
    assert manifest is not None
    assert manifest.config == fakes.CONFIG
    assert [record["status"] for record in read_rollouts(tmp_path)].count("ok") == 3
    with pytest.raises(ConfigError, match="best_of was 4 and is 8"):
        await sample(tmp_path, OTHER)


SHARD = {"rows": 1, "bytes": 1, "sha256": "0"}


@pytest.mark.parametrize(
    "said", [{}, {"config": {}, "rows_per_shard": 1, "shards": {"../../x.parquet": SHARD}}]
)
def test_the_lock_is_let_go_where_a_run_is_refused(said: object, tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(json.dumps(said), encoding="utf-8")
    for _ in range(2):
        with pytest.raises((ConfigError, DatasetError), match="is no manifest of a run"):
            Store.open(tmp_path, fakes.CONFIG)


def test_what_newer_settings_say_by_default_is_not_in_the_configuration() -> None:
    """So that runs that were begun before there were such settings go on."""
    plain = identity_of(Settings(), source="org/data", columns={})
    assert plain.keys().isdisjoint({"chat_template", "raw"})
    assert plain["reward"].keys().isdisjoint({"images", "reasoning"})
    settings = Settings(chat_template="ziya-13b", reward={"images": "refuse"})  # type: ignore[arg-type]
    other = identity_of(settings, source="org/data", columns={}, raw=True)
    assert other["chat_template"] == "ziya-13b"
    assert other["raw"] is True
    assert other["reward"]["images"] == "refuse"
