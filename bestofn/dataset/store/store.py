"""Store of a run, its folder: each finished row in exactly one place, the journal or a shard.

Shard k holds the rows k * rows_per_shard and on, in order, so the shards of a run do not depend on
when it was interrupted. A row is finished once it is in the journal. A shard is written when all of
its rows are, renamed into its place, entered in the manifest, and then leaves the journal; whatever
a kill leaves between two of these steps is put right when the folder is opened. Rows that failed
are sampled again then: what failed may work now.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import filelock

from bestofn import __version__
from bestofn.core.errors import ConfigError
from bestofn.dataset.store.atomic_files import disk_faults, partial_of, replace_file, sha256
from bestofn.dataset.store.journal import JOURNAL, Journal
from bestofn.dataset.store.manifest import NAME, Manifest, Session, Shard, differences
from bestofn.dataset.store.records import Record
from bestofn.dataset.store.shards import read_columns, read_shard, write_shard

ROWS_PER_SHARD = 500
"""Rows of one shard: what is held in memory until it is written."""

ROLLOUTS = "rollouts"


class Store:
    """A run's folder, open for one writer; make it with `open`, and close it.

    Attributes:
        manifest: what run.json holds.
    """

    def __init__(self, folder: Path, manifest: Manifest, lock: filelock.BaseFileLock) -> None:
        self.manifest = manifest
        self._folder = folder
        self._lock = lock
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
            config: what the run is made with; has to be that of the run in the folder.
            rows_per_shard: of a run that begins.

        Raises:
            ConfigError: another process writes there, the folder holds something else or a run
                with another configuration, or a shard is not as the manifest says.
            DatasetError: the disk does not let it.
        """
        with disk_faults(folder):
            if folder.exists() and not folder.is_dir():
                raise ConfigError(f"{folder} is a file; a run needs a folder")
            begun = Manifest.read(folder) if folder.is_dir() else None
            if begun is None and folder.is_dir() and any(folder.iterdir()):
                _refuse_others(folder)
            if begun is not None and (found := differences(begun.config, config)):
                raise ConfigError(
                    f"{folder} holds a run that was made otherwise: {'; '.join(found)}. Go on with "
                    "the same settings, or name another folder"
                )
            (folder / ROLLOUTS).mkdir(parents=True, exist_ok=True)
            lock = filelock.FileLock(folder / ".lock")
            try:
                lock.acquire(timeout=0)
            except filelock.Timeout as error:
                raise ConfigError(f"another process is writing to {folder}") from error
            manifest = begun or Manifest(config=config, rows_per_shard=rows_per_shard)
            manifest.bestofn = __version__
            store = cls(folder, manifest, lock)
            try:
                store._recover()
            except BaseException:
                store.close()
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

    def record(self, number: int) -> Record:
        """The finished row of that number."""
        held = self._held.get(number)
        if held is not None:
            return held
        k, at = divmod(number, self.manifest.rows_per_shard)
        return next(itertools.islice(read_shard(self._path(k)), at, None))

    def add(self, batch: Iterable[Record]) -> None:
        """Put finished rows on the disk; returns when they are there.

        Raises:
            DatasetError: the disk does not let it; what was added before is kept.
        """
        batch = list(batch)
        with disk_faults(self._folder):
            self._journal.append(batch)
            self._held.update((record["row"], record) for record in batch)
            self._write_shards(
                k for k in sorted(set(map(self._shard_of, batch))) if self._complete(k)
            )

    def finish(self, rows: int, session: Session | None = None) -> None:
        """Write the last shard: the input has ended, after that many rows, all of them finished."""
        with disk_faults(self._folder):
            self.manifest.rows = rows
            if session is not None:
                self.manifest.sessions.append(session)
            self._write_shards(sorted(set(map(self._shard_of, self._held.values()))))
            self.manifest.write(self._folder)
            self._journal.remove()

    def add_session(self, session: Session) -> None:
        """Enter a session that ended before the input did."""
        with disk_faults(self._folder):
            self.manifest.sessions.append(session)
            self.manifest.write(self._folder)

    def close(self) -> None:
        """Close the journal and let another process write here."""
        self._journal.close()
        self._lock.release()

    def _recover(self) -> None:
        journal = {record["row"]: record for record in self._journal.read()}
        for path in sorted((self._folder / ROLLOUTS).glob(".*.part")):
            path.unlink()
        for path in sorted((self._folder / ROLLOUTS).glob("part-*.parquet")):
            if path.name not in self.manifest.shards:  # the kill came before the manifest
                self._add_to_manifest(path)
        for name in list(self.manifest.shards):
            if not (self._folder / ROLLOUTS / name).is_file():  # its rows are sampled again
                del self.manifest.shards[name]
        self._held = {
            number: record
            for number, record in journal.items()
            if record["status"] != "failed" and not self.has(number)
        }
        self._journal.keep(self._held.values())
        self.manifest.write(self._folder)

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
        return self._folder / ROLLOUTS / f"part-{k:06}.parquet"

    def _in_shard(self, number: int) -> bool:
        """Whether a shard holds that row, and it did not fail."""
        k, at = divmod(number, self.manifest.rows_per_shard)
        shard = self.manifest.shards.get(self._path(k).name)
        if shard is None or at >= shard.rows:
            return False
        return not shard.failed or self._shard(k)["status"][at] != "failed"

    def _shard(self, k: int) -> dict[str, list[Any]]:
        """Keys and statuses of a shard; the last that was asked for is kept, rows come in order."""
        if self._read is None or self._read[0] != k:
            self._read = k, read_columns(self._path(k), ["key", "status"])
        return self._read[1]


def read_rollouts(folder: Path) -> Iterator[Record]:
    """The records of a run, in the order of its input; the manifest names the shards.

    Raises:
        ConfigError: it is no run, or a shard cannot be read.
    """
    manifest = Manifest.read(folder)
    if manifest is None:
        raise ConfigError(f"{folder} holds no run: there is no run.json")
    for name in sorted(manifest.shards):
        yield from read_shard(folder / ROLLOUTS / name)


def _refuse_others(folder: Path) -> None:
    # A kill while the run was begun may leave a file that was to become the journal or run.json.
    partial = {partial_of(folder / name).name for name in (JOURNAL, NAME)}
    known = {".lock", JOURNAL, ROLLOUTS, *partial}
    others = sorted(each.name for each in folder.iterdir() if each.name not in known)
    if others:
        raise ConfigError(f"{folder} holds something else ({others[0]}) and no run: name another")
