"""SFT, DPO, KTO and ranked rows for trainers: what one record makes in each format.

SFT, DPO and KTO are TRL's conversational formats (TRL's documentation, "Dataset formats and
types"), `tools` among them as a JSON text; further columns say where a row came from, and trainers
leave them out. Messages are role and text there: what else a message holds is left out of it, and
of tool calls, which are no text, the whole row.
"""

from __future__ import annotations

import json
import random
import statistics
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from bestofn.dataset.export.keep_rule import distinct
from bestofn.dataset.export.options import ExportOptions
from bestofn.dataset.store.records import CandidateRecord, Record, messages_of, ranked_candidates
from bestofn.settings.choices import FormatName

if TYPE_CHECKING:
    import pyarrow

NAMES: tuple[FormatName, ...] = ("sft", "dpo", "kto", "ranked", "candidates", "first", "random")
"""sft: conversations whose last message is a kept candidate. dpo: a kept candidate and a worse one.
kto: single candidates with a label. ranked: all accepted with their rewards. candidates: every
candidate there was, the rejected with their reasons. first, random: SFT with the first accepted
candidate, or any of them, to measure what the choice gave."""

SOURCE = {"row": "int64", "key": "string", "tools": "string", "confidence": "float64"}
"""Where a row came from, the tools that it was asked with (a JSON text), and how sure the choice of
its prompt's winner was."""

_NO_TEXT = frozenset({"tool_calls", "tool_call_id", "function_call", "audio"})
"""Keys of a message that cannot be left out of it."""

CHOSEN = frozenset[FormatName]({"sft", "dpo", "kto", "ranked"})
"""Formats of what was chosen; the others are for comparison, or hold everything."""


Rows = Callable[[Record, ExportOptions], Iterator[dict[str, Any]]]


def rows_of(name: FormatName, record: Record, options: ExportOptions) -> Iterator[dict[str, Any]]:
    """The rows that one record makes; none where nothing in it is kept."""
    if name in CHOSEN and not options.rule.takes(record):
        return iter(())
    return _ROWS[name](record, options)


def schema_of(name: FormatName) -> pyarrow.Schema:
    """The columns of a format."""
    import pyarrow as pa

    return pa.schema([(column, _type(kind)) for column, kind in _COLUMNS[name].items()])


def holds_more_than_text(record: Record) -> bool:
    """Whether the prompt, or a candidate that rows may be made of, holds tool calls or images,
    which these formats do not. What has failed, or was rejected, is in none of them."""
    messages = messages_of(record)
    messages += [_whole_message(each) for each in ranked_candidates(record) if each["message"]]
    return any(
        _NO_TEXT & message.keys() or not isinstance(message.get("content") or "", str)
        for message in messages
    )


def _sft(record: Record, options: ExportOptions) -> Iterator[dict[str, Any]]:
    for each in options.rule.kept(_texts(record)):
        yield _conversation(record, each)


def _first(record: Record, options: ExportOptions) -> Iterator[dict[str, Any]]:
    ranked = _texts(record)
    if ranked:
        yield _conversation(record, min(ranked, key=lambda each: each["index"]))


def _random(record: Record, options: ExportOptions) -> Iterator[dict[str, Any]]:
    ranked = sorted(_texts(record), key=lambda each: each["index"])
    if ranked:
        drawn = random.Random(f"{options.seed}:{record['key']}:{record['row']}")
        yield _conversation(record, drawn.choice(ranked))


def _dpo(record: Record, options: ExportOptions) -> Iterator[dict[str, Any]]:
    ranked = distinct(_texts(record))
    for good in options.rule.kept(ranked):
        bad = _worst_below(ranked, good, options)
        if bad is not None:
            yield {
                **_of(record),
                "prompt": _prompt(record),
                "chosen": [_message(good)],
                "rejected": [_message(bad)],
                "chosen_reward": good["reward"],
                "rejected_reward": bad["reward"],
            }


def _kto(record: Record, options: ExportOptions) -> Iterator[dict[str, Any]]:
    ranked = distinct(_texts(record))
    kept = options.rule.kept(ranked)
    if not kept:
        return
    bad = [
        each
        for each in reversed(ranked)
        if each not in kept and _clears_margin(kept[-1], each, options)
    ][: len(kept)]
    for each, label in [*((each, True) for each in kept), *((each, False) for each in bad)]:
        yield {
            **_of(record),
            "prompt": _prompt(record),
            "completion": [_message(each)],
            "label": label,
            "reward": each["reward"],
        }


def _ranked(record: Record, options: ExportOptions) -> Iterator[dict[str, Any]]:
    ranked = distinct(_texts(record))
    if ranked and ranked[0]["reward"] is not None:
        yield {
            **_of(record),
            "prompt": _prompt(record),
            "completions": [[_message(each)] for each in ranked],
            "rewards": [each["reward"] for each in ranked],
        }


def _candidates(record: Record, options: ExportOptions) -> Iterator[dict[str, Any]]:
    rewards = [c["reward"] for c in ranked_candidates(record) if c["reward"] is not None]
    mean = statistics.fmean(rewards) if rewards else None
    for each in record["candidates"]:
        reasons = [rejection["reason"] for rejection in each["rejections"]]
        if each["failure"] is not None:
            reasons.append(each["failure"]["reason"])
        yield {
            **_of(record),
            "source": record["source"],
            "status": record["status"],
            "prompt": record["messages"],
            "reference": record["reference"],
            **{name: each[name] for name in _AS_THEY_ARE},
            "reasons": reasons,
            "details": [rejection["detail"] for rejection in each["rejections"]],
            "mean_reward": mean,
        }


_AS_THEY_ARE = (
    "index",
    "text",
    "message",
    "finish_reason",
    "reward",
    "rank",
    "accepted",
    "components",
    "completion_tokens",
    "seed",
    "generator",
)

_ROWS: Mapping[FormatName, Rows] = {
    "sft": _sft,
    "dpo": _dpo,
    "kto": _kto,
    "ranked": _ranked,
    "candidates": _candidates,
    "first": _first,
    "random": _random,
}

_CONVERSATION = {**SOURCE, "messages": "messages", "reward": "float64"}
_COLUMNS: Mapping[FormatName, Mapping[str, str]] = {
    "sft": _CONVERSATION,
    "first": _CONVERSATION,
    "random": _CONVERSATION,
    "dpo": {
        **SOURCE,
        "prompt": "messages",
        "chosen": "messages",
        "rejected": "messages",
        "chosen_reward": "float64",
        "rejected_reward": "float64",
    },
    "kto": {
        **SOURCE,
        "prompt": "messages",
        "completion": "messages",
        "label": "bool",
        "reward": "float64",
    },
    "ranked": {
        **SOURCE,
        "prompt": "messages",
        "completions": "conversations",
        "rewards": "numbers",
    },
    "candidates": {
        **SOURCE,
        "source": "string",
        "status": "string",
        "prompt": "string",
        "reference": "string",
        "index": "int32",
        "text": "string",
        "message": "string",
        "finish_reason": "string",
        "reward": "float64",
        "rank": "int32",
        "accepted": "bool",
        "components": "string",
        "completion_tokens": "int32",
        "seed": "int64",
        "generator": "string",
        "reasons": "texts",
        "details": "texts",
        "mean_reward": "float64",
    },
}


def _type(kind: str) -> pyarrow.DataType:
    import pyarrow as pa

    messages = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
    nested = {
        "messages": messages,
        "conversations": pa.list_(messages),
        "numbers": pa.list_(pa.float64()),
        "texts": pa.list_(pa.string()),
    }
    return nested[kind] if kind in nested else pa.type_for_alias(kind)


def _worst_below(
    ranked: list[CandidateRecord], good: CandidateRecord, options: ExportOptions
) -> CandidateRecord | None:
    """The worst of those that are worse by the margin; None: there is none. It is the one with the
    least reward, which is not the last where a vote made the order."""
    scored = [each for each in reversed(ranked) if each["reward"] is not None]
    worst = min(scored, key=lambda each: each["reward"], default=None)
    return worst if worst is not None and _clears_margin(good, worst, options) else None


def _clears_margin(good: CandidateRecord, bad: CandidateRecord, options: ExportOptions) -> bool:
    if good["reward"] is None or bad["reward"] is None:
        return False
    gap = good["reward"] - bad["reward"]
    return bool(gap > 0 and gap >= options.min_margin)


def _conversation(record: Record, each: CandidateRecord) -> dict[str, Any]:
    messages = [*_prompt(record), _message(each)]
    return {**_of(record), "messages": messages, "reward": each["reward"]}


def _of(record: Record) -> dict[str, Any]:
    return {name: record.get(name) for name in SOURCE}


def _prompt(record: Record) -> list[dict[str, Any]]:
    return [_text_alone(message) for message in messages_of(record)]


def _message(each: CandidateRecord) -> dict[str, Any]:
    return _text_alone(_whole_message(each))


def _texts(record: Record) -> list[CandidateRecord]:
    """What rows are made of: of `ranked_candidates` those that say something. What has thoughts or
    a refusal alone is no text to train on."""
    ranked = ranked_candidates(record)
    return [each for each in ranked if isinstance(_whole_message(each).get("content"), str)]


def _text_alone(message: Mapping[str, Any]) -> dict[str, Any]:
    return {"role": message["role"], "content": message.get("content") or ""}


def _whole_message(each: CandidateRecord) -> dict[str, Any]:
    if each["message"] is None:
        return {"role": "assistant", "content": each["text"]}
    message: dict[str, Any] = json.loads(each["message"])
    return message
