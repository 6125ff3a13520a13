"""A run's folder as bestofn 0.1 wrote it: rejections do not say whether they are certain, rows have
no tools, and lines of the journal no sums."""

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


def rewrite_as_0_1(folder: Path) -> None:
    """Put shards, journal and manifest of a run into the form of 0.1."""
    manifest = Manifest.read(folder)
    assert manifest is not None
    for name, shard in manifest.shards.items():
        path = folder / ROLLOUTS / name
        table = pq.read_table(path)
        rows = [_without_certain(record) for record in table.to_pylist()]
        pq.write_table(pa.Table.from_pylist(rows, _schema(table.schema)), path, compression="zstd")
        shard.bytes, shard.sha256 = path.stat().st_size, sha256(path)
    manifest.bestofn = "0.1.0"
    manifest.write(folder)
    journal = folder / JOURNAL
    if journal.is_file():
        text = [
            line.partition("\t")[0] for line in journal.read_text(encoding="utf-8").splitlines()
        ]
        held = [json.loads(line) for line in text]
        lines = [json.dumps(_without_certain(record), ensure_ascii=False) for record in held]
        journal.write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def says_certain(path: Path) -> bool:
    """Whether the rejections of a shard say whether they are certain."""
    return "certain" in str(pq.read_schema(path))


def _without_certain(record: Record) -> Record:
    del record["tools"]
    for candidate in record["candidates"]:
        for rejection in candidate["rejections"]:
            del rejection["certain"]
    return record


def _schema(schema: Any) -> Any:
    candidate = schema.field("candidates").type.value_type
    rejections = pa.list_(pa.struct([(name, pa.string()) for name in _TEXTS]))
    fields = [
        (each.name, rejections if each.name == "rejections" else each.type) for each in candidate
    ]
    schema = schema.remove(schema.get_field_index("tools"))
    at = schema.get_field_index("candidates")
    return schema.set(at, pa.field("candidates", pa.list_(pa.struct(fields))))
