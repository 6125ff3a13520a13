"""The file of answers: one process writes there, and a fault of the disk is told as that."""

from __future__ import annotations

import json
import multiprocessing
import os
from pathlib import Path

import pytest

from bestofn.core.errors import ConfigError, DatasetError
from bestofn_server.batch.answers import Answers, open_answers

ANSWER = {"id": "one", "custom_id": "a", "response": {"status_code": 200}, "error": None}
ASKED = {"a": "one"}


def _hold(path: Path, opened: object, release: object) -> None:
    with open_answers(path, ASKED) as answers:
        opened.set()  # type: ignore[attr-defined]
        release.wait(60)  # type: ignore[attr-defined]
        answers.write(ANSWER)


def test_a_second_process_is_refused_and_loses_the_first_nothing(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    spawning = multiprocessing.get_context("spawn")
    opened, release = spawning.Event(), spawning.Event()
    first = spawning.Process(target=_hold, args=(path, opened, release))
    first.start()
    try:
        assert opened.wait(60)
        with (
            pytest.raises(ConfigError, match=r"another process is writing to .*out\.jsonl"),
            open_answers(path, ASKED),
        ):
            pytest.fail("it was opened")
    finally:
        release.set()
        first.join(60)
    assert json.loads(path.read_text()) == ANSWER
    with open_answers(path, ASKED) as answers:
        assert answers.kept == {"one": 200}
    assert [each.name for each in tmp_path.iterdir()] == ["out.jsonl"]


def test_a_full_disk_names_the_file(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.is_char_device():
        pytest.skip("there is no device that is full")
    with full.open("ab", buffering=0) as file:
        answers = Answers(tmp_path / "out.jsonl", file, {})
        with pytest.raises(DatasetError, match=r"out\.jsonl cannot be written: No space left"):
            answers.write(ANSWER)


def test_what_is_no_file_is_left_alone(tmp_path: Path) -> None:
    """For who is root /dev/null would be a file from then on, for everybody."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "one").symlink_to(tmp_path / "other")
    (tmp_path / "other").symlink_to(tmp_path / "one")
    for name, said in (
        ("", "is no file"),
        ("pipe", "is no file"),
        ("one", "its links lead in a circle"),
        ("no/a", "there is no folder"),
    ):
        with pytest.raises(ConfigError, match=said), open_answers(tmp_path / name, ASKED):
            pytest.fail("it was opened")
    assert (tmp_path / "pipe").is_fifo()


def test_what_a_link_names_is_gone_on_with(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "out.jsonl")
    for _ in range(2):
        with open_answers(tmp_path / "link", ASKED) as answers:
            if not answers.kept:
                answers.write(ANSWER)
    assert (tmp_path / "link").is_symlink()
    assert json.loads((tmp_path / "out.jsonl").read_text()) == ANSWER


@pytest.mark.parametrize(
    "theirs",
    ['{"mine": [1, 2, 3]}', '{"id": ["one"], "custom_id": "a", "response": null}\n', "[" * 5000],
)
def test_a_file_of_something_else_is_left_as_it_is(theirs: str, tmp_path: Path) -> None:
    path = tmp_path / "data.json"
    path.write_text(theirs)
    with pytest.raises(ConfigError, match="line 1 is no answer"), open_answers(path, ASKED):
        pytest.fail("it was opened")
    assert path.read_text() == theirs


@pytest.mark.parametrize("left", ['{"i', '{"id":"batch_req_0123", "custom'])
def test_what_a_kill_left_of_an_answer_is_taken_away(left: str, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text(json.dumps(ANSWER) + "\n" + left)
    with open_answers(path, ASKED) as answers:
        assert answers.kept == {"one": 200}
    assert path.read_text() == json.dumps(ANSWER) + "\n"
