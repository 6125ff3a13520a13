"""The filter of truncated answers: cut off by what the engine or the text says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, get_args

from bestofn.core.errors import ConfigError
from bestofn.core.types import Candidate, Rejection, Request
from bestofn.filters.empty import calls_tools
from bestofn.filters.truncation.reading import Form, read
from bestofn.filters.truncation.rules import NAMES, RULES, Rule

_CUT = {
    "length": ("length", "it reached the limit on its tokens"),
    "abort": ("aborted", "it was stopped from outside before it ended"),
    "repetition": ("loop_stopped", "the engine stopped it in a loop during decoding"),
    "content_filter": ("content_filter", "the engine's content filter cut it"),
}
"""Finish reasons that say outright that the text was cut: vLLM's, and OpenAI's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TruncationFilter:
    """Rejects candidates that were cut off.

    Reasons, in this order: from the finish reason ``length``, ``aborted``, ``loop_stopped``,
    ``content_filter``; then, for a candidate that says it ended, from its text by the table
    `rules.RULES`: ``invalid_json``, ``unclosed_think``, ``unclosed_fence``, ``unclosed_bracket``,
    ``cut_row``, ``open_end``, ``unclosed_quote``, ``unclosed_code``, ``no_sentence_end``. Each
    rule is certain or a suspicion, as the table says; where the engine itself vouches for the end
    (`Candidate.vouched`) only the strong signs are certain. Time: linear in the text. Unfinished
    snapshots (no finish reason) and candidates that call tools are judged by their finish reason
    only, and so is text whose end the request imposes (``stop`` strings, vLLM's
    ``structured_outputs``), JSON that was asked for apart.

    A cut exactly at the end of a sentence, or within a list item or title that needs no stop,
    cannot be seen in the text.

    Args:
        structure: whether the text is judged too, or only the finish reason.
        sentence_end: whether a last sentence without an end counts; switch it off where answers
            are not punctuated.
        without: names of rules that are switched off.

    Raises:
        ConfigError: `without` names a rule that is none.
    """

    structure: bool = True
    sentence_end: bool = True
    without: str | Sequence[str] = ()
    _rules: Mapping[Form, Sequence[Rule]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        off = {self.without} if isinstance(self.without, str) else set(self.without)
        if unknown := sorted(off - NAMES):
            raise ConfigError(
                f"truncation filter: no rule is called {', '.join(unknown)}; there are "
                f"{', '.join(rule.name for rule in RULES)}"
            )
        if not self.sentence_end:
            off.add("no_sentence_end")
        rules = [rule for rule in RULES if rule.name not in off]
        by_form = {form: tuple(r for r in rules if form in r.applies) for form in get_args(Form)}
        object.__setattr__(self, "_rules", by_form)

    portable: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """The filter's name."""
        return "truncation"

    def check(self, request: Request, candidate: Candidate) -> Rejection | None:
        """The first reason that holds, in the order of the class's list; None to keep it."""
        if outright := _CUT.get(candidate.finish_reason or ""):
            return Rejection(self.name, *outright)
        found = self.find(request, candidate)
        if found is None:
            return None
        rule, detail = found
        certain = rule.certain and (rule.strong or not candidate.vouched)
        return Rejection(self.name, rule.reason, detail, certain)

    def find(self, request: Request, candidate: Candidate) -> tuple[Rule, str] | None:
        """(the first rule of the table that takes the text, why); None: none does."""
        judged = self.structure and candidate.ended  # an unknown reason is an end, too
        if not judged or not candidate.text.strip() or calls_tools(candidate):
            return None
        reading = read(request, candidate.text)
        for rule in self._rules[reading.form]:
            if detail := rule.find(reading):
                return rule, detail
        return None
