"""`bestofn config`: a file begun, checked with lines, and shown with where each value is from."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from bestofn.cli import app
from bestofn.settings.listing import SECTIONS, all_settings
from bestofn.settings.settings import Settings

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 9)}]\n" for at in range(1, 9)
)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["config", *arguments])


def test_what_init_prints_is_the_default_once_it_is_not_commented_out(tmp_path: Path) -> None:
    file = tmp_path / "bestofn.yaml"
    done = run("init")
    assert done.exit_code == 0, done.output
    printed = done.stdout
    keys = [line[2:].strip().partition(":")[0] for line in printed.splitlines() if line[:2] == "# "]
    assert {each.name.rpartition(".")[2] for each in all_settings()} <= set(keys)
    assert Settings.load(_written(file, printed)) == Settings()
    lines = [line[2:] for line in printed.splitlines() if line.startswith("# ")]
    assert Settings.load(_written(file, "\n".join(lines))) == Settings()
    assert run("check", str(file)).exit_code == 0


def _written(file: Path, text: str) -> Path:
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("setting", list(all_settings()), ids=lambda setting: setting.name)
def test_every_setting_says_what_it_is_for(setting: Any) -> None:
    assert setting.description
    assert setting.type


def test_every_section_says_what_it_is_for() -> None:
    written = {setting.name.rpartition(".")[0] for setting in all_settings()} - {""}
    assert written == SECTIONS.keys()


@pytest.mark.parametrize(
    ("text", "line", "key", "said"),
    [
        ("best_off: 4\n", 1, "best_off", "there is no such option; did you mean best_of?"),
        ("best_of: 4\nserver:\n  prot: 80\n", 3, "server.prot", "did you mean server.port?"),
        ("temperature: hot\n", 1, "temperature", "must be a number"),
        ("server:\n  max_best_of: 0\n", 2, "server.max_best_of", "must be at least 1"),
        ("stop:\n  rule: agremeent\n", 2, "stop.rule", "'agreement'"),
        ("filters:\n  - empty\n  - repetitionn\n", 3, "filters.1", "no filter is called"),
        ("selector: {weighted_vote: {temp: 1}}\n", 1, "selector", "there is no option temp"),
        ("filters: [{length: {max_tokns: 1}}]\n", 1, "filters.0", "did you mean max_tokens?"),
        ("filters: [{length: {max_tokens: x}}]\n", 1, "filters.0", "must be a whole number"),
        ("filters: [{custom: {}}]\n", 1, "filters.0", "path is required"),
        ("answer_key: {pattern: {}}\n", 1, "answer_key", "pattern is required"),
        ("profiles:\n  q:\n    filterz: []\n", 3, "profiles.q.filterz", "did you mean filters?"),
        ("generators: [{name: a}]\n", 1, "generators.0", "a needs a model or an upstream"),
        ("rewards: [{kind: judge, url: x, modle: y}]\n", 1, "rewards", "did you mean mode"),
        ("server: {key_limits: {x: 1}}\n", 1, "server.key_limits.x", "no such option"),
        ("\nengine: openai\n", 2, "engine", "no upstream is named"),
        ("seed: 1\nseed: 2\n", 2, "seed", "it stands twice, and only the last counts"),
        ("profiles:\n  quick:\n    filters: [x]\n", 3, "profiles.quick.filters.0", "'x'"),
        ("best_of: [4\nseed: 1\n", 2, "(YAML)", "expected"),
        ("seed: 1\nfilters: &a [*a]\n", 2, "(YAML)", "an alias stands within what it names"),
        (BOMB, 5, "(YAML)", "its aliases make more than 20,000 values of it"),
        ("filters: " + "[" * 600, 1, "(YAML)", "it nests too deeply"),
        ("- best_of\n", 1, "(file)", "must hold a mapping of settings"),
        ("reward_model: a\nrewards: [b]\n", 2, "rewards", "reward_model"),
        (
            "best_of: 8\nstop: {rule: reward, reward: 1}\nmodel: m\n",
            2,
            "stop",
            "needs a reward model",
        ),
    ],
)
def test_a_broken_file_is_told_with_line_key_and_what_to_write(
    text: str, line: int, key: str, said: str, tmp_path: Path
) -> None:
    file = _written(tmp_path / "broken.yaml", text)
    done = run("check", str(file))
    assert done.exit_code == 2
    told = done.stderr.splitlines()
    assert told[0].startswith(f"{file}:{line}: {key}: ")
    assert said in told[0]
    (first, *_) = json.loads(run("check", str(file), "--json").stdout)
    assert (first["line"], first["key"]) == (line, key)


def test_all_faults_are_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    file = _written(tmp_path / "broken.yaml", "seed: a\nbest_of: 0\nmax_tokens: 0\n")
    told = run("check", str(file)).stderr.splitlines()
    assert [line.split(":")[1] for line in told] == ["1", "2", "3"]


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "none.yaml"
    said = {run("check", str(file)).stderr, run("show", "--config", str(file)).stderr}
    assert said == {f"bestofn: {file}: no such file\n"}, "every command says it in one way"
    done = run("check", str(tmp_path))
    assert (done.exit_code, done.stderr) == (2, f"bestofn: {tmp_path}: this is a folder\n")


def test_init_writes_a_new_file_and_leaves_one_that_is_there(tmp_path: Path) -> None:
    file = tmp_path / "new.yaml"
    done = run("init", str(file))
    assert done.exit_code == 0, done.output
    assert file.read_text(encoding="utf-8") == run("init").stdout
    _written(file, "seed: 1\n")
    again = run("init", str(file))
    assert (again.exit_code, file.read_text(encoding="utf-8")) == (2, "seed: 1\n")
    assert "it exists, and is left as it is" in again.stderr
    nowhere = run("init", str(tmp_path / "none" / "new.yaml"))
    assert (nowhere.exit_code, "cannot be written" in nowhere.stderr) == (2, True)


def test_a_variable_names_the_file_as_the_flag_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = _written(tmp_path / "b.yaml", "best_of: 3\n")
    monkeypatch.setenv("BESTOFN_CONFIG", str(file))
    assert json.loads(run("show", "--json").stdout)["best_of"]["from"] == f"{file}:1"


def test_what_is_not_by_default_is_shown_with_where_it_is_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = _written(tmp_path / "b.yaml", "best_of: 4\nserver:\n  port: 1\n  api_keys: [secret]\n")
    monkeypatch.setenv("BESTOFN_SEED", "7")
    monkeypatch.setenv("BESTOFN_SERVER__PORT", "2")
    shown = json.loads(run("show", "--config", str(file), "--json").stdout)
    assert shown["best_of"] == {"value": 4, "from": f"{file}:1"}
    assert shown["seed"] == {"value": 7, "from": "BESTOFN_SEED"}
    assert shown["server.port"] == {"value": 2, "from": "BESTOFN_SERVER__PORT"}
    assert "secret" not in json.dumps(shown["server.api_keys"]["value"])
    assert "temperature" not in shown


def test_no_key_is_shown_wherever_it_stands(tmp_path: Path) -> None:
    file = _written(
        tmp_path / "b.yaml",
        "rewards:\n- {kind: judge, url: 'http://me:secret@x/v1', api_key: secret}\n"
        "engine_args: [--api_key=secret]\nupstream: http://y\nupstream_api_key: secret\n",
    )
    for shown in (run("show", "--config", str(file)), run("show", "--config", str(file), "--json")):
        assert shown.exit_code == 0
        assert "http://x/v1" in shown.stdout
        assert "secret" not in shown.stdout


def test_nothing_said_is_everything_as_by_default() -> None:
    assert run("show").stdout == "everything is as by default\n"


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        ("rewards: [{kind: verifier, name: number}]\n", "rewards", "check: has to be given"),
        ("best_of: 128\nserver: {max_best_of: 4}\n", "best_of", "server.max_best_of 4"),
        ("profiles: {a: {best_of: 100000}}\n", "profiles.a.best_of", "server.max_best_of 64"),
        (
            "engine: none\nrewards: [{kind: judge, url: self}]\n",
            "rewards",
            "asks the generator; the engine is none",
        ),
        ('answer_key: {pattern: {pattern: "("}}\n', "answer_key", "pattern"),
    ],
)
def test_what_would_end_the_start_is_told_once(
    text: str, key: str, said: str, tmp_path: Path
) -> None:
    done = run("check", str(_written(tmp_path / "c.yaml", text)), "--json")
    (problem,) = json.loads(done.stdout)
    assert problem["key"] == key
    assert said in problem["message"]


def test_what_a_full_disk_has_cut_is_taken_away(tmp_path: Path) -> None:
    """It would keep the next one out, and a file without a setting is right."""
    line = 'ulimit -f 1 && exec "$0" -m bestofn config init settings.yaml'
    ended = subprocess.run(
        ["bash", "-c", line, sys.executable], cwd=tmp_path, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "settings.yaml: it cannot be written: File too large" in ended.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("config", "check", "~nobody-of-this-name/x"), "begins with ~ and a user who has no home"),
        (("filter", "~nobody-of-this-name/x"), "begins with ~ and a user who has no home here"),
        (("config", "check", "a" * 300), "aaa: the name is too long for a file"),
    ],
)
def test_a_path_that_can_be_none_is_one_sentence(
    bestofn_here: Any, arguments: tuple[str, ...], sentence: str
) -> None:
    done = bestofn_here(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
