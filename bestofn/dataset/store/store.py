"""Store of a run, its folder: each finished row in exactly one place, the journal or a shard.

Shard k holds the rows k * rows_per_shard and on, in order, so the shards of a run do not depend on
when it was interrupted. A row is finished once it is in the journal. A shard is written when all of
its rows are, renamed into its place, entered in the manifest, and then leaves the journal; whatever
a kill leaves between two of these steps is put right when the folder is opened. Rows that failed
are sampled again then: what failed may work now. Last of all, when there is no journal any more,
the manifest says how many rows the input has: that is the mark of a run that is finished, and it is
taken off before anything is added.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import filelock

from bestofn import __version__
from bestofn.core.errors import ConfigError
from bestofn.dataset.store.atomic_files import replace_file, sha256
from bestofn.dataset.store.configuration import differences
from bestofn.dataset.store.folder import empty_unsampled, refuse_others
from bestofn.dataset.store.journal import JOURNAL, Journal
from bestofn.dataset.store.manifest import NAME, Manifest, Session, Shard
from bestofn.dataset.store.records import Record
from bestofn.dataset.store.rollouts import read_rollouts
from bestofn.dataset.store.shards import (
    ROLLOUTS,
    check_shard,
    read_columns,
    read_shard,
    shard_files,
    shard_name,
    shard_number,
    write_shard,
)
from bestofn.support.disk_faults import disk_faults

ROWS_PER_SHARD = 500
"""Rows of one shard: what is held in memory until it is written."""


class Store:
    """A run's folder, open for one writer; make it with `open`, and close it.

    Attributes:
        manifest: what run.json holds.
        damaged: lines of the journal that were damaged when it was opened; their rows are sampled
            again.
    """

    def __init__(self, folder: Path, manifest: Manifest, lock: filelock.BaseFileLock) -> None:
        self.manifest = manifest
        self._folder = folder
        self._lock = lock
        self._writing = threading.RLock()  # a thread may write still when the run is interrupted
        self.damaged: list[int] = []
        self._journal = Journal(folder / JOURNAL)
        self._held: dict[int, Record] = {}
        self._read: tuple[int, dict[str, list[Any]]] | None = None

    @classmethod
    def open(
        cls, folder: Path, config: dict[str, Any], *, rows_per_shard: int = ROWS_PER_SHARD
    ) -> Store:
        """Open a run's folder, or begin one.

        Args:
            folder: made if it is not there.
            config: what the run is made with; has to be that of the run in the folder, unless
                nothing was sampled there yet: then the run begins anew with this one.
            rows_per_shard: of a run that begins.

        Raises:
            ConfigError: another process writes there, the folder holds something else or a run
                with another configuration, or a shard is not as the manifest says.
            DatasetError: the disk does not let it.
        """
        with disk_faults(folder, goes_on=True):
            if folder.exists() and not folder.is_dir():
                raise ConfigError(f"{folder} is a file; a run needs a folder")
            begun = Manifest.read(folder) if folder.is_dir() else None
            if begun is None and folder.is_dir() and any(folder.iterdir()):
                refuse_others(folder)
            (folder / ROLLOUTS).mkdir(parents=True, exist_ok=True)
            lock = filelock.FileLock(folder / ".lock")
            try:
                lock.acquire(timeout=0)
            except filelock.Timeout as error:
                raise ConfigError(f"another process is writing to {folder}") from error
            try:
                if begun is not None and (found := differences(begun.config, config)):
                    empty_unsampled(folder, found)
                    begun = None
                manifest = begun or Manifest(config=config, rows_per_shard=rows_per_shard)
                manifest.config, manifest.bestofn = config, __version__
                store = cls(folder, manifest, lock)
                store._recover()
            except BaseException:
                lock.release()
                raise
            return store

    @property
    def finished(self) -> int:
        """How many rows are finished."""
        shards = self.manifest.shards.values()
        return len(self._held) + sum(shard.rows - shard.failed for shard in shards)

    def has(self, number: int) -> bool:
        """Whether that row is finished."""
        return number in self._held or self._in_shard(number)

    def check_key(self, number: int, key: str, source: str) -> None:
        """Return if the finished row of that number has that key.

        Raises:
            ConfigError: it has another: the input is not the run's any more.
        """
        k, at = divmod(number, self.manifest.rows_per_shard)
        held = self._held.get(number)
        kept = self._shard(k)["key"][at] if held is None else held["key"]
        if kept != key:
            raise ConfigError(
                f"{source} is row {number} of the input and was another when this run sampled it: "
                "go on with the same input, or name another folder"
            )

    def add(self, batch: Iterable[Record]) -> None:
        """Put finished rows on the disk; returns when they are there.

        Raises:
            DatasetError: the disk does not let it; what was added before is kept.
        """
        batch = list(batch)
        with self._writing, disk_faults(self._folder, goes_on=True):
            if self.manifest.rows is not None:
                self.manifest.rows = None
                self.manifest.write(self._folder)
            self._journal.append(batch)
            self._held.update((record["row"], record) for record in batch)
            self._write_shards(
                k for k in sorted(set(map(self._shard_of, batch))) if self._complete(k)
            )

    def finish(self, rows: int, session: Session | None = None) -> None:
        """Write the last shard, and then that the run is finished: the input has ended, after that
        many rows, all of them finished.

        Raises:
            ConfigError: rows beyond these are finished, so this is not the input that they are of.
            DatasetError: the disk does not let it.
        """
        if (end := self._end()) > rows:
            raise ConfigError(
                f"the input has {rows:,} rows now, and {end:,} were sampled before: go on with the "
                "same input, as far as then, or name another folder"
            )
        with self._writing, disk_faults(self._folder, goes_on=True):
            self._write_shards(sorted(set(map(self._shard_of, self._held.values()))))
            self._journal.remove()
            self.manifest.rows = rows
            if session is not None:
                self.manifest.sessions.append(session)
            self.manifest.write(self._folder)

    def add_session(self, session: Session) -> None:
        """Enter a session that ended before the input did."""
        with self._writing, disk_faults(self._folder, goes_on=True):
            self.manifest.sessions.append(session)
            self.manifest.write(self._folder)

    def records(self) -> Iterator[Record]:
        """What is there, in the order of the input; see `bestofn.dataset.store.rollouts`."""
        return read_rollouts(self._folder)

    def close(self) -> None:
        """Close the journal and let another process write here, once nothing is written still."""
        with self._writing:
            self._journal.close()
            self._lock.release()

    def _recover(self) -> None:
        journal = self._journal.read()
        self.damaged = journal.damaged
        for path in sorted((self._folder / ROLLOUTS).glob(".*.part")):
            path.unlink()
        for path in shard_files(self._folder):
            if path.name not in self.manifest.shards:  # the kill came before the manifest
                self._add_to_manifest(path)
        for name in list(self.manifest.shards):
            if not (self._folder / ROLLOUTS / name).is_file():  # its rows are sampled again
                del self.manifest.shards[name]
        self._check_shards()
        self._held = {
            number: record
            for number, record in journal.records.items()
            if record["status"] != "failed" and not self.has(number)
        }
        self._journal.keep(self._held.values())
        self.manifest.write(self._folder)

    def _check_shards(self) -> None:
        """Return if the shards are as long as run.json says.

        Raises:
            ConfigError: one is longer, or the last begins elsewhere.
        """
        per = self.manifest.rows_per_shard
        wrong = next((name for name, each in self.manifest.shards.items() if each.rows > per), None)
        if wrong is None and self.manifest.shards:
            name = max(self.manifest.shards)
            k = shard_number(name)
            if k and self._numbers(k)[:1] != [k * per]:
                wrong = name
        if wrong is not None:
            raise ConfigError(
                f"{self._folder / NAME} says that a shard has {per} rows, and {ROLLOUTS}/{wrong} "
                "was made otherwise: put back the run.json that is this run's"
            )

    def _end(self) -> int:
        """The number after that of the last row which is finished, or failed; 0: there is none."""
        per = self.manifest.rows_per_shard
        shards = self.manifest.shards.items()
        ends = [shard_number(name) * per + shard.rows for name, shard in shards]
        return max([*ends, *(number + 1 for number in self._held)], default=0)

    def _complete(self, k: int) -> bool:
        """Whether all rows of a full shard are finished."""
        first, per = k * self.manifest.rows_per_shard, self.manifest.rows_per_shard
        return all(n in self._held or self._in_shard(n) for n in range(first, first + per))

    def _write_shards(self, shards: Iterable[int]) -> None:
        """Write shards from what they held and what the journal holds of them."""
        for k in shards:
            path = self._path(k)
            rows = {
                record["row"]: record
                for record in self._held.values()
                if self._shard_of(record) == k
            }
            moved = list(rows)
            if path.name in self.manifest.shards:
                self._shard(k)
                rows = {record["row"]: record for record in read_shard(path)} | rows
                self._drop_from_manifest(path.name)
            ordered = [rows[number] for number in sorted(rows)]
            replace_file(path, partial(write_shard, rows=ordered))
            self._add_to_manifest(path)
            self.manifest.write(self._folder)
            for number in moved:
                del self._held[number]
            self._journal.keep(self._held.values())

    def _drop_from_manifest(self, name: str) -> None:
        """Take a shard out of run.json before it is replaced: after a kill its file is entered as
        it is then. What is held here stays, since other rows are looked up meanwhile."""
        others = {each: shard for each, shard in self.manifest.shards.items() if each != name}
        self.manifest.model_copy(update={"shards": others}).write(self._folder)

    def _add_to_manifest(self, path: Path) -> None:
        statuses = read_columns(path, ["status"])["status"]
        self.manifest.shards[path.name] = Shard(
            rows=len(statuses),
            failed=statuses.count("failed"),
            bytes=path.stat().st_size,
            sha256=sha256(path),
        )
        self._read = None

    def _shard_of(self, record: Record) -> int:
        return int(record["row"]) // self.manifest.rows_per_shard

    def _path(self, k: int) -> Path:
        return self._folder / ROLLOUTS / shard_name(k)

    def _in_shard(self, number: int) -> bool:
        """Whether a shard holds that row, and it did not fail."""
        k, at = divmod(number, self.manifest.rows_per_shard)
        shard = self.manifest.shards.get(self._path(k).name)
        if shard is None or at >= shard.rows:
            return False
        return not shard.failed or self._shard(k)["status"][at] != "failed"

    def _shard(self, k: int) -> dict[str, list[Any]]:
        """Keys and statuses of a shard, which is what was written; the last that was asked for is
        kept, since rows come in order."""
        held = self._read  # another thread, which writes, may let go of it
        if held is None or held[0] != k:
            check_shard(self._path(k), self.manifest.shards[shard_name(k)])
            held = self._read = k, read_columns(self._path(k), ["key", "status"])
        return held[1]

    def _numbers(self, k: int) -> list[int]:
        return read_columns(self._path(k), ["row"])["row"]
