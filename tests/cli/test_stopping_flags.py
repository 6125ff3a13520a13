"""Flags of stopping and of several generators, refused before a model is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bestofn.cli import app


def said(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})
    return done.exit_code, done.output


@pytest.mark.parametrize("explore", ["4", "0"])
def test_explore_says_what_there_is_instead(tmp_path: Path, explore: str) -> None:
    code, output = said("sample", "x.jsonl", "-o", str(tmp_path / "run"), "--explore", explore)
    assert code == 2
    assert "--explore is gone" in output
    assert f"--stop 'evidence waves={explore if explore != '0' else 1}'" in output
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--stop", "auto min=20"), "stop.min is 20, and best_of is 8: sample more"),
        (("--stop", "accepted count=20"), "stop.count is 20, and best_of is 8: sample more"),
        (("--stop", "sometimes"), "stop"),
        (("--generator", "name=a share=0"), "must be above 0"),
        (
            ("--generator", "name=a model=m", "--generator", "name=b model=n"),
            "would share this process",
        ),
        (("--generator", "name=a"), "a needs a model or an upstream"),
        (("--generator", "name=a upstrem=http://x"), "did you mean upstream?"),
        (
            ("--generator", "name=a model=n", "--model", "m"),
            "generators are given, and model too",
        ),
    ],
)
def test_a_contradiction_is_one_sentence(
    tmp_path: Path, flags: tuple[str, ...], sentence: str
) -> None:
    rows = tmp_path / "x.jsonl"
    rows.write_text('{"prompt": "hi"}\n', encoding="utf-8")
    for command in (("sample", str(rows), "-o", str(tmp_path / "run")), ("ask", "hi")):
        code, output = said(*command, *flags)
        assert (code, sentence in output) == (2, True), output
        assert "Traceback" not in output


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            "profiles: {quick: {best_of: 4, stop: accepted count=6}}",
            "profiles.quick.stop: stop.count is 6, and best_of is 4: sample more",
        ),
        ("best_of: 100", "best_of: it is 100, and server.max_best_of 64: serve refuses it"),
        ("profiles: {quick: {filters: [repetitoin]}}", "no filter is called 'repetitoin'"),
        ("profiles: {quick: {selector: most}}", "no selector is called 'most'"),
    ],
)
def test_what_serve_would_refuse_is_told_before_a_model_is_loaded(
    tmp_path: Path, settings: str, told: str
) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(settings + "\n", encoding="utf-8")
    code, output = said("serve", "/no/model/is/there", "--config", str(file))
    assert code == 2
    assert told in output


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("generators: [name=a model=m, name=b model=n]", "1: generators: a and b would share"),
        ("stop: accepted count=20", "stop: stop.count is 20"),
        ("profiles: {quick: {best_of: 4, stop: accepted count=6}}", "profiles.quick.stop: stop."),
    ],
)
def test_a_file_is_checked_for_it_too(tmp_path: Path, settings: str, told: str) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(settings + "\n", encoding="utf-8")
    code, output = said("config", "check", str(file))
    assert (code, told in output) == (2, True), output
