"""A run's folder as bestofn 0.1 wrote it: rejections do not say whether they are certain, nothing
says how the winner was chosen, rows have no tools, and lines of the journal no sums."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bestofn.dataset.store.atomic_files import sha256
from bestofn.dataset.store.journal import JOURNAL
from bestofn.dataset.store.manifest import Manifest
from bestofn.dataset.store.records import Record
from bestofn.dataset.store.shards import ROLLOUTS

_TEXTS = ("filter", "reason", "detail")
_NEW = frozenset({"selector", "confidence", "stopped", "tools"})
_NEW_OF_CANDIDATES = frozenset({"answer_key", "mean_logprob", "generator"})


def rewrite_as_0_1(folder: Path) -> None:
    """Put shards, journal and manifest of a run into the form of 0.1."""
    manifest = Manifest.read(folder)
    assert manifest is not None
    for name, shard in manifest.shards.items():
        path = folder / ROLLOUTS / name
        table = pq.read_table(path)
        rows = [_as_0_1(record) for record in table.to_pylist()]
        pq.write_table(pa.Table.from_pylist(rows, _schema(table.schema)), path, compression="zstd")
        shard.bytes, shard.sha256 = path.stat().st_size, sha256(path)
    manifest.bestofn = "0.1.0"
    manifest.write(folder)
    journal = folder / JOURNAL
    if journal.is_file():
        text = [each.partition("\t")[0] for each in journal.read_text("utf-8").splitlines()]
        held = [json.loads(each) for each in text]
        lines = [json.dumps(_as_0_1(record), ensure_ascii=False) for record in held]
        journal.write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def says_certain(path: Path) -> bool:
    """Whether the rejections of a shard say whether they are certain."""
    return "certain" in str(pq.read_schema(path))


def _as_0_1(record: Record) -> Record:
    for name in _NEW:
        del record[name]
    for candidate in record["candidates"]:
        for name in _NEW_OF_CANDIDATES:
            del candidate[name]
        for rejection in candidate["rejections"]:
            del rejection["certain"]
    return record


def _schema(schema: Any) -> Any:
    candidate = schema.field("candidates").type.value_type
    rejections = pa.list_(pa.struct([(name, pa.string()) for name in _TEXTS]))
    fields = [
        (each.name, rejections if each.name == "rejections" else each.type)
        for each in candidate
        if each.name not in _NEW_OF_CANDIDATES
    ]
    columns = [each for each in schema if each.name not in _NEW | {"candidates"}]
    return pa.schema([*columns, pa.field("candidates", pa.list_(pa.struct(fields)))])
