"""Verification that a run's folder holds what its manifest says: sizes, digests, rows, journal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bestofn.core.errors import ConfigError
from bestofn.dataset.store.atomic_files import sha256
from bestofn.dataset.store.journal import JOURNAL, read_journal
from bestofn.dataset.store.manifest import Manifest
from bestofn.dataset.store.shards import ROLLOUTS, read_shard, shard_files, shard_number


def faults(folder: Path) -> Iterator[str]:
    """What is wrong with a run, one sentence each; nothing where all is as it was written, which a
    run that is not finished may be too (`bestofn.dataset.store.rollouts.run_state`).

    Every shard's size, SHA-256 and row count are compared with the manifest, its rows read and
    their numbers checked; shards that are absent or unknown, damaged lines of the journal and, of a
    run that is complete, absent rows are named.

    Raises:
        ConfigError: it is no run.
    """
    manifest = Manifest.read(folder)
    if manifest is None:
        raise ConfigError(f"{folder} holds no run: there is no run.json")
    per = manifest.rows_per_shard
    there = {path.name for path in shard_files(folder)}
    for path in sorted((folder / ROLLOUTS).glob("*.parquet")):
        if path.name not in there:
            yield f"{ROLLOUTS}/{path.name} is no shard of the run, and is not read"
    for name in sorted(there - manifest.shards.keys()):
        yield f"{ROLLOUTS}/{name} is not in run.json; the next `bestofn sample` takes it in"
    for name, shard in sorted(manifest.shards.items()):
        path = folder / ROLLOUTS / name
        if name not in there:
            yield f"{ROLLOUTS}/{name} is gone; the next `bestofn sample` samples its rows again"
        elif path.stat().st_size != shard.bytes or sha256(path) != shard.sha256:
            yield f"{ROLLOUTS}/{name} is not what was written; take it away to sample it again"
        else:
            first = shard_number(name) * per
            try:
                numbers = [record["row"] for record in read_shard(path)]
            except ConfigError as error:
                yield str(error)
                continue
            if numbers != list(range(first, first + shard.rows)) or shard.rows > per:
                yield (
                    f"{ROLLOUTS}/{name} holds other rows than {first} to {first + shard.rows - 1}: "
                    f"run.json says that shards have {per}, and is not as it was written"
                )
    journal = read_journal(folder / JOURNAL)
    for line in journal.damaged:
        yield f"{JOURNAL}:{line} is damaged; its row is sampled again"
    if manifest.rows is not None and not journal.records:
        held = sum(shard.rows for shard in manifest.shards.values())
        if held != manifest.rows:
            yield f"{held:,} rows are there of {manifest.rows:,}"
