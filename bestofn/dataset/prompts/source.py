"""Where the prompts of a run are, and which column holds what: a file, a folder, a hub dataset.

PromptSource("prompts.jsonl", {"prompt": "question"}, limit=100).rows(Defaults(best_of=8))
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bestofn.core.errors import ConfigError
from bestofn.dataset.prompts.columns import FirstRecords, check_columns
from bestofn.dataset.prompts.json_records import InputRecord
from bestofn.dataset.prompts.reader import Records, open_records
from bestofn.dataset.prompts.rows import Defaults, Row, read_row
from bestofn.support.plain_json import is_text


@dataclass(frozen=True, slots=True)
class PromptSource:
    """The input of a run.

    Args:
        source: see `bestofn.dataset.prompts.reader.open_records`.
        columns: where each field stands; see `bestofn.dataset.prompts.layouts.find_fields`.
        split: of a folder or a dataset; None: train, or the only one.
        name: of a configuration.
        limit: rows that are read at most; None: all.

    Raises:
        ConfigError: `source` is empty, which would be the current folder, or no UTF-8, which no
            record of a run can name.
    """

    source: str
    columns: Mapping[str, str] = field(default_factory=dict)
    split: str | None = None
    name: str | None = None
    limit: int | None = None

    def __post_init__(self) -> None:
        if not self.source:
            raise ConfigError("INPUT is empty: name a file, a folder or a dataset")
        if not is_text(self.source):
            raise ConfigError("the name of INPUT is no UTF-8: rename it")

    def rows(self, defaults: Defaults) -> Iterator[Row]:
        """The rows, in order; `defaults` hold where one says nothing else.

        Raises:
            ConfigError: the source cannot be read.
        """
        yield from self._rows(self._open().records, defaults)

    def described(self, defaults: Defaults, *, going_on: bool = False) -> str:
        """What is read of the source and as what, for a reader, from its first rows.

        Args:
            defaults: see `rows`.
            going_on: whether a run goes on with it, which asks what it asked when it began: no
                column is refused.

        Raises:
            ConfigError: the source cannot be read, or has no rows, or a column is mapped that none
                of these has; see `bestofn.dataset.prompts.columns.check_columns`.
        """
        records = self._open()
        first = FirstRecords.of(itertools.islice(records.records, self.limit))
        if not first.records:
            raise ConfigError(f"{self.source}: no rows")
        missing = "" if going_on else check_columns(self.source, first, self.columns)
        rows = list(self._rows(first.records, defaults))
        told = ": ".join(filter(None, (records.told, _described(rows))))
        return "; ".join(filter(None, (told, missing)))

    def _open(self) -> Records:
        return open_records(self.source, split=self.split, name=self.name)

    def _rows(self, records: Iterable[InputRecord], defaults: Defaults) -> Iterator[Row]:
        for number, (source, record) in enumerate(itertools.islice(records, self.limit)):
            yield read_row(number, source, record, self.columns, defaults)


def _described(rows: Sequence[Row]) -> str:
    told = Counter(row.told for row in rows if row.request is not None)
    if not told:
        return ""
    if len(told) == 1:
        return "reads " + next(iter(told))
    parts = (f"{said} ({count} of {len(rows)} rows)" for said, count in told.most_common())
    return "reads " + "; ".join(parts)
