"""Files that are replaced at once: what is not to be replaced, and what a fault is called."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bestofn.core.errors import DatasetError
from bestofn.dataset.store.atomic_files import replace_text
from bestofn.support.disk_faults import disk_faults


def test_what_a_link_names_is_replaced_and_not_the_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    for text in ("one", "two"):
        replace_text(tmp_path / "link", text)
        assert (tmp_path / "file").read_text() == text
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "link"]


def test_a_pipe_or_a_device_is_written_to(tmp_path: Path) -> None:
    """For who is root /dev/null would be a file from then on, for everybody."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        replace_text(pipe, "text")
        assert os.read(reader, 99) == b"text"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_the_longest_name_has_room_beside_it(tmp_path: Path) -> None:
    path = tmp_path / ("é" * 125 + ".html")
    replace_text(path, "text")
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(("goes_on", "end"), [(True, "goes on from there"), (False, "No space")])
def test_it_is_said_that_the_command_goes_on_where_it_does(
    goes_on: bool, end: str, tmp_path: Path
) -> None:
    with pytest.raises(DatasetError) as told, disk_faults(tmp_path, goes_on=goes_on):
        raise OSError(28, "No space")
    assert str(told.value).startswith(f"{tmp_path} cannot be written: No space")
    assert str(told.value).endswith(end)
