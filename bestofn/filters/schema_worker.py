"""The process that holds values against schemas: a line ``[schema, value]`` in, a mismatch out."""

from __future__ import annotations

import json
import resource
import sys

from bestofn.filters.bounded_schema import best_mismatch

MEMORY = 2 * 2**30
"""Bytes of address space that it may take."""


def main() -> None:
    """Answer each line of the standard input with the mismatch as JSON, null where all fits."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    _say(best_mismatch('{"type": "string", "pattern": "a"}', "a"))  # loads what it needs
    for line in sys.stdin:
        try:
            schema, value = json.loads(line)
            found = best_mismatch(schema, json.loads(value))
        except (RecursionError, MemoryError):
            found = "at $: it is nested too deeply to be judged"
        _say(found)


def _say(found: str | None) -> None:
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
