"""How an answer ended: finish reason, matched stop sequence, usage, and bestofn's report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]


@dataclass(slots=True)
class Ending:
    """What stands beside the words of a choice, as far as it is known.

    Args:
        finish_reason: OpenAI's; None: nothing was said of it.
        stop_reason: the stop sequence that ended it, where the engine says which (vLLM does).
        usage: OpenAI's usage object of chat completions.
        report: the `bestofn` object.
    """

    finish_reason: str | None = None
    stop_reason: str | None = None
    usage: Object | None = None
    report: Object | None = None

    def read(self, completion: Object) -> None:
        """Take note of what a chunk, or a whole completion, says of it."""
        if (usage := completion.get("usage")) is not None:
            self.usage = usage
        if (report := completion.get("bestofn")) is not None:
            self.report = report
        for choice in completion.get("choices") or ():
            if (reason := choice.get("finish_reason")) is not None:
                self.finish_reason = reason
            if isinstance(stop := choice.get("stop_reason"), str):
                self.stop_reason = stop

    def count(self, name: str) -> int | None:
        """A number of the usage; None: nobody counted."""
        return (self.usage or {}).get(name)

    def detail(self, group: str, name: str) -> int | None:
        """A number of one of its groups of details; None: nobody counted."""
        return ((self.usage or {}).get(group) or {}).get(name)

    @property
    def cache_writes(self) -> int | None:
        """Tokens of the prompt that were written to the cache, by OpenAI's name for them or vLLM's;
        None: nobody counted."""
        named = ("cache_write_tokens", "created_cache_tokens")
        found = (self.detail("prompt_tokens_details", name) for name in named)
        return next((count for count in found if count is not None), None)

    def told(self, notes: list[str]) -> dict[str, Any]:
        """``{"bestofn": ...}`` with these notes too, or nothing where there is nothing to tell."""
        if self.report is None:
            return {"bestofn": {"notes": notes}} if notes else {}
        return {"bestofn": {**self.report, "notes": [*self.report.get("notes", ()), *notes]}}


def first_choice(completion: Object) -> Object:
    """The only choice of an answer that has one; {}: there is none yet, or any more."""
    choices = completion.get("choices") or ()
    return choices[0] if choices else {}
