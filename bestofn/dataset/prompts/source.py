"""Where the prompts of a run are, and which column holds what: a file, a folder, a hub dataset.

PromptSource("prompts.jsonl", {"prompt": "question"}, limit=100).rows(Defaults(best_of=8))
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bestofn.core.errors import ConfigError
from bestofn.dataset.prompts.reader import Records, open_records
from bestofn.dataset.prompts.rows import Defaults, Row, read_row

LOOKED_AT = 64
"""Rows of whose layout a run tells before it begins."""


@dataclass(frozen=True, slots=True)
class PromptSource:
    """The input of a run.

    Args:
        source: see `bestofn.dataset.prompts.reader.open_records`.
        columns: where each field stands; see `bestofn.dataset.prompts.layouts.find_fields`.
        split: of a folder or a dataset; None: train, or the only one.
        name: of a configuration.
        limit: rows that are read at most; None: all.
    """

    source: str
    columns: Mapping[str, str] = field(default_factory=dict)
    split: str | None = None
    name: str | None = None
    limit: int | None = None

    def rows(self, defaults: Defaults) -> Iterator[Row]:
        """The rows, in order; `defaults` hold where one says nothing else.

        Raises:
            ConfigError: the source cannot be read.
        """
        yield from self._rows(self._open(), defaults)

    def described(self, defaults: Defaults) -> str:
        """What is read of the source and as what, for a reader, from its first rows.

        Raises:
            ConfigError: the source cannot be read, or has no rows.
        """
        records = self._open()
        rows = list(itertools.islice(self._rows(records, defaults), LOOKED_AT))
        if not rows:
            raise ConfigError(f"{self.source}: no rows")
        return ": ".join(filter(None, (records.told, _described(rows))))

    def _open(self) -> Records:
        return open_records(self.source, split=self.split, name=self.name)

    def _rows(self, records: Records, defaults: Defaults) -> Iterator[Row]:
        for number, (source, record) in enumerate(itertools.islice(records.records, self.limit)):
            yield read_row(number, source, record, self.columns, defaults)


def _described(rows: Sequence[Row]) -> str:
    told = Counter(row.told for row in rows if row.request is not None)
    if not told:
        return ""
    if len(told) == 1:
        return "reads " + next(iter(told))
    parts = (f"{said} ({count} of {len(rows)} rows)" for said, count in told.most_common())
    return "reads " + "; ".join(parts)
