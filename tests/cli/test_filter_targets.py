"""Where `bestofn filter` writes: never over what is no file of its own, nor over what it reads."""

from __future__ import annotations

import errno
import io
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bestofn.cli.rows_read import records_of
from bestofn.core.errors import ConfigError
from tests.cli.test_filter import GOOD, LOOP, lines_of, run, written


def test_a_link_is_followed(tmp_path: Path) -> None:
    file = written(tmp_path / "rows.jsonl", GOOD)
    target, link = tmp_path / "target.jsonl", tmp_path / "link.jsonl"
    link.symlink_to(target)
    assert run(file, "--kept", link).exit_code == 0
    assert link.is_symlink()
    assert lines_of(target) == [GOOD]


def test_a_pipe_stays_a_pipe_and_is_written_to(tmp_path: Path) -> None:
    file, pipe = written(tmp_path / "rows.jsonl", GOOD, LOOP), tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text(encoding="utf-8")))
    reader.start()
    assert run(file, "--kept", pipe).exit_code == 0
    reader.join(30)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert read[0].count("\n") == 1


def test_a_device_stays_a_device(tmp_path: Path) -> None:
    file, device = written(tmp_path / "rows.jsonl", GOOD), tmp_path / "null"
    try:
        os.mknod(device, stat.S_IFCHR | 0o600, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("only root makes devices")
    assert run(file, "--kept", device).exit_code == 0
    assert stat.S_ISCHR(device.stat().st_mode)


def test_nothing_is_written_into_the_folder_that_is_read(tmp_path: Path) -> None:
    (tmp_path / "input").mkdir()
    file = written(tmp_path / "input" / "a.jsonl", GOOD)
    before = file.read_bytes()
    for target in (file, tmp_path / "input" / "new.jsonl"):
        done = run(tmp_path / "input", "--kept", target)
        assert (done.exit_code, "is in the folder that is read" in done.output) == (2, True)
    assert file.read_bytes() == before


@pytest.mark.long
def test_what_the_shell_has_opened_is_gone_on_with(tmp_path: Path) -> None:
    file, out = written(tmp_path / "rows.jsonl", GOOD, LOOP), tmp_path / "out.jsonl"
    out.write_text('{"prompt": "before"}\n', encoding="utf-8")
    link = tmp_path / "link"
    link.symlink_to("/dev/stdout")
    for count, name in enumerate(("/dev/stdout", str(link)), start=1):
        command = [sys.executable, "-m", "bestofn", "filter", str(file), "--kept", name]
        with out.open("a", encoding="utf-8") as opened:
            done = subprocess.run(
                command, stdout=opened, stderr=subprocess.PIPE, text=True, timeout=60, check=True
            )
        assert lines_of(out) == [{"prompt": "before"}, *[GOOD] * count]
        assert "exact_loop" in done.stderr, "the counts stand beside the records"


@pytest.mark.long
def test_the_files_are_there_whatever_becomes_of_the_console(tmp_path: Path) -> None:
    file, kept = written(tmp_path / "rows.jsonl", GOOD, LOOP), tmp_path / "kept.jsonl"
    command = [sys.executable, "-m", "bestofn", "filter", str(file), "--kept", str(kept)]
    read, write = os.pipe()
    os.close(read)  # the reader of the output has gone
    subprocess.run(command, stdout=write, stderr=subprocess.DEVNULL, timeout=60, check=False)
    os.close(write)
    assert lines_of(kept) == [GOOD]


def test_links_that_lead_nowhere_and_what_a_link_reads_are_refused(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to(tmp_path / "other")
    (tmp_path / "other").symlink_to(tmp_path / "one")
    for arguments in ((tmp_path / "one",), (tmp_path / "rows.jsonl", "--kept", tmp_path / "one")):
        done = run(*arguments)
        assert (done.exit_code, "its links lead in a circle" in done.output) == (2, True)
    folder, target = tmp_path / "input", written(tmp_path / "target.jsonl", GOOD, LOOP)
    folder.mkdir()
    (folder / "a.jsonl").symlink_to(target)
    done = run(folder, "--kept", target)
    assert (done.exit_code, "is in the folder that is read" in done.output) == (2, True)
    assert lines_of(target) == [GOOD, LOOP]


def test_an_input_without_a_name_is_refused() -> None:
    done = run("")
    assert (done.exit_code, "INPUT is empty" in done.output) == (2, True)


def test_the_file_that_cannot_be_written_is_the_one_that_is_named(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.is_char_device():
        pytest.skip("there is no device that is full")
    for count in (3, 300):  # what the buffer holds, and more
        file = written(tmp_path / "rows.jsonl", *[GOOD] * count, LOOP)
        done = run(file, "--kept", full, "--rejected", tmp_path / "rejected.jsonl")
        assert (done.exit_code, "/dev/full cannot be written" in done.output) == (1, True)


def test_a_descriptor_that_there_is_none_of_is_one_sentence(tmp_path: Path) -> None:
    file = written(tmp_path / "rows.jsonl", GOOD)
    for name in ("999", "9" * 40):
        done = run(file, "--kept", f"/dev/fd/{name}")
        assert done.exit_code in (1, 2), done.output
        assert isinstance(done.exception, SystemExit), done.exception


def test_a_folder_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    done = run(tmp_path / "none.jsonl", "--kept", tmp_path)
    assert (done.exit_code, "is a folder: name a file" in done.output) == (2, True)


@pytest.mark.long
def test_an_interrupt_is_one_line_and_what_was_there_stays(tmp_path: Path) -> None:
    kept = written(tmp_path / "kept.jsonl", GOOD)
    command = [sys.executable, "-m", "bestofn", "filter", "-", "--kept", str(kept), "--json"]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    line = '{"prompt": "Hi", "response": "%s"}\n' % ("Hello there, all of you. " * 20)
    for _ in range(600):  # more than it has read when the pipe has taken the last of it
        process.stdin.write(line)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "bestofn: interrupted\n")
    assert lines_of(kept) == [GOOD]


def test_a_standard_input_that_cannot_be_read_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Broken(io.BytesIO):
        def readline(self, size: int | None = -1, /) -> bytes:
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Broken()))
    with pytest.raises(ConfigError, match=r"^standard input cannot be read: Input/output error$"):
        list(records_of("-").records)
