"""Rollouts of a run: its records in the order of its input, from its shards and its journal; and
whether the run is finished. Nothing is written.

A run that was interrupted has rows in both, and a kill may have left a row in both, or a shard that
run.json does not name yet; whoever reads gets each row once. A run is finished when run.json says
how many rows its input has, which is written last of all, and its shards hold as many.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bestofn.core.errors import ConfigError
from bestofn.dataset.store.journal import JOURNAL, JournalContents, read_journal
from bestofn.dataset.store.manifest import Manifest
from bestofn.dataset.store.records import Record
from bestofn.dataset.store.shards import (
    ROLLOUTS,
    check_shard,
    read_columns,
    read_shard,
    shard_files,
    shard_number,
)


@dataclass(frozen=True, slots=True)
class RunState:
    """How far a run is.

    Args:
        manifest: what run.json holds.
        in_shards: rows in shards.
        in_journal: rows in the journal alone.
    """

    manifest: Manifest
    in_shards: int
    in_journal: int

    @property
    def finished(self) -> bool:
        """Whether all rows of the input are there, in shards."""
        return self.manifest.rows == self.in_shards and not self.in_journal

    @property
    def unfinished(self) -> str:
        """What a reader has to know of a run that is not finished; '' of one that is."""
        if self.finished:
            return ""
        rows = self.in_shards + self.in_journal
        total = "" if self.manifest.rows is None else f" of {self.manifest.rows:,}"
        return (
            f"the run is not finished: {rows:,}{total} rows are there; the same `bestofn sample` "
            "goes on with it"
        )


def run_state(folder: Path) -> RunState:
    """How far the run in a folder is.

    Raises:
        ConfigError: it is no run, or a shard that run.json does not name cannot be read.
    """
    journal, manifest, shards = _parts(folder)
    rows = {
        shard_number(path.name): manifest.shards[path.name].rows
        if path.name in manifest.shards
        else len(read_columns(path, ["row"])["row"])
        for path in shards
    }
    places = (divmod(number, manifest.rows_per_shard) for number in journal.records)
    return RunState(manifest, sum(rows.values()), sum(at >= rows.get(k, 0) for k, at in places))


def read_rollouts(folder: Path) -> Iterator[Record]:
    """The records of a run, in the order of its input.

    Raises:
        ConfigError: it is no run, a shard cannot be read or is not what was written, or one that
            run.json names is gone.
    """
    journal, manifest, shards = _parts(folder)
    for name, shard in manifest.shards.items():
        check_shard(folder / ROLLOUTS / name, shard)
    held = sorted(journal.records.values(), key=_number)
    for _, versions in itertools.groupby(
        heapq.merge(_in_order(shards), held, key=_number), key=_number
    ):
        there = list(versions)  # a row that failed may have been sampled again
        yield next((each for each in there if each["status"] != "failed"), there[0])


def _number(record: Record) -> int:
    return int(record["row"])


def _in_order(shards: Sequence[Path]) -> Iterator[Record]:
    """The records of shards, each row once.

    Raises:
        ConfigError: a row comes again, or a shard cannot be read.
    """
    last = -1
    for path in shards:
        for record in read_shard(path):
            if _number(record) <= last:
                raise ConfigError(
                    f"{path} holds row {record['row']} again: run.json is not that of these shards"
                )
            last = _number(record)
            yield record


def _parts(folder: Path) -> tuple[JournalContents, Manifest, list[Path]]:
    """Journal, manifest and the files of the shards; in this order, since a row leaves the journal
    when the manifest has its shard, which may happen meanwhile."""
    journal = read_journal(folder / JOURNAL)
    manifest = Manifest.read(folder)
    if manifest is None:
        raise ConfigError(f"{folder} holds no run: there is no run.json")
    there = {path.name for path in shard_files(folder)}
    names = sorted(there | manifest.shards.keys())
    return journal, manifest, [folder / ROLLOUTS / name for name in names]
