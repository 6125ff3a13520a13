"""Where the prompts of a run are, and which column holds what: a file, a folder, a hub dataset.

PromptSource("prompts.jsonl", {"prompt": "question"}, limit=100).rows(Defaults(best_of=8))
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bestofn.dataset.prompts.reader import read_records
from bestofn.dataset.prompts.rows import Defaults, Row, read_row


@dataclass(frozen=True, slots=True)
class PromptSource:
    """The input of a run.

    Args:
        source: see `bestofn.dataset.prompts.reader.read_records`.
        columns: where each field stands; see `bestofn.dataset.prompts.rows.read_row`.
        split: of a dataset.
        name: of a dataset's configuration.
        limit: rows that are read at most; None: all.
    """

    source: str
    columns: Mapping[str, str] = field(default_factory=dict)
    split: str = "train"
    name: str | None = None
    limit: int | None = None

    def rows(self, defaults: Defaults) -> Iterator[Row]:
        """The rows, in order; `defaults` hold where one says nothing else.

        Raises:
            ConfigError: the source cannot be read.
        """
        records = read_records(self.source, split=self.split, name=self.name)
        for number, (source, record) in enumerate(records):
            if self.limit is not None and number >= self.limit:
                return
            yield read_row(number, source, record, self.columns, defaults)
