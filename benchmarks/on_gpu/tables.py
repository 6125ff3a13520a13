"""The tables that a run on a GPU gives the documentation, out of its findings."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.on_gpu.findings import Finding


def document(device: Mapping[str, Any], findings: Sequence[Finding]) -> str:
    """Markdown: what was checked, then the tables whose figures are there."""
    return "\n".join(
        [*_head(device, findings), *_ratios(findings), *_speed(findings), *_budgets(findings),
         *_memory(findings), *_quantised(findings), *_not_right(findings)]
    )  # fmt: skip


def _head(device: Mapping[str, Any], findings: Sequence[Finding]) -> Iterator[str]:
    counts = Counter(finding.outcome for finding in findings)
    roofs = [
        f.detail for f in findings if f.part == "scoring" and f.name.startswith(("prod", "copy"))
    ]
    yield (
        f"**On a GPU**, {device.get('name', 'an unknown device')}, `python -m benchmarks.gpu`\n"
        f"(Python {device.get('python')}, torch {device.get('torch')}, transformers "
        f"{device.get('transformers')}; shape {device.get('shape')} in {device.get('dtype')}):\n"
        f"{counts['right']} checks right, {counts['wrong']} wrong, {counts['failed']} failed, "
        f"{counts['skipped']} skipped.\nRoofs as measured: {', '.join(roofs) or 'none'}."
    )


def _cases(findings: Sequence[Finding], part: str) -> list[Finding]:
    return [f for f in findings if f.part == part and "rounds" in f.values]


def _ratios(findings: Sequence[Finding]) -> Iterator[str]:
    cases = _cases(findings, "scoring")
    if not cases:
        return
    compiled = {tuple(f.values["case"]): f.values for f in _cases(findings, "compiled")}
    ways = [way for way in cases[0].values["rounds"] if way != "floor"]
    yield ""
    yield "Time over that of the floor, one unpadded forward of P + sum(R) tokens, medians:"
    yield ""
    yield "| P, R, N | floor | " + " | ".join([*ways, "compiled"]) + " |"
    yield "|---|---:" + "|---:" * (len(ways) + 1) + "|"
    for case in (finding.values for finding in cases):
        rounds = case["rounds"]
        other = compiled.get(tuple(case["case"]))
        cells = [_cell(rounds[way]) for way in ways]
        cells.append(_cell(other["rounds"]["bestofn, compiled"]) if other else "")
        floor = statistics.median(rounds["floor"])
        yield f"| {_named(case)} | {floor:.4f} s | {' | '.join(cells)} |"


def _cell(ratios: Sequence[float]) -> str:
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def _named(values: Mapping[str, Any]) -> str:
    return ", ".join(map(str, values["case"]))


def _speed(findings: Sequence[Finding]) -> Iterator[str]:
    rows = [*_cases(findings, "scoring"), *_cases(findings, "compiled")]
    if not rows:
        return
    yield ""
    yield "| P, R, N | way | tokens computed | of all texts | tokens/s | TFLOP/s | of the roof |"
    yield "|---|---|---:|---:|---:|---:|---:|"
    for finding in rows:
        case = finding.values
        way = list(case["rounds"])[-1]
        yield (
            f"| {_named(case)} | {way} | {case['tokens']:,} | {case['tokens_of_all_texts']:,} | "
            f"{case['tokens_per_second']:,.0f} | {case['flops_per_second'] / 1e12:.1f} | "
            f"{case['of_the_roof']:.0%} |"
        )


def _budgets(findings: Sequence[Finding]) -> Iterator[str]:
    rows = [f.values for f in findings if "budget" in f.values]
    if not rows:
        return
    yield ""
    yield "| tokens of one forward, at most | tokens/s | peak beside the weights |"
    yield "|---:|---:|---:|"
    for row in rows:
        yield (f"| {row['budget']:,} | {row['tokens_per_second']:,.0f} | {_gib(row['peak'])} |")


def _memory(findings: Sequence[Finding]) -> Iterator[str]:
    rows = [f.values for f in findings if f.part == "scoring" and "weights" in f.values]
    for values in rows:
        yield ""
        yield "| memory | measured | `bestofn plan` |"
        yield "|---|---:|---:|"
        for name, pair in values.items():
            if isinstance(pair, Mapping):
                yield f"| {name} | {_gib(pair['measured'])} | {_gib(pair['planned'])} |"


def _quantised(findings: Sequence[Finding]) -> Iterator[str]:
    rows = [f for f in findings if "planned_bytes" in f.values]
    if not rows:
        return
    yield ""
    yield "| quantised | largest difference, of the spread | bytes | `bestofn plan` |"
    yield "|---|---:|---:|---:|"
    for row in rows:
        held, planned = row.values["bytes"], row.values["planned_bytes"]
        yield f"| {row.name} | {row.values['error']:.3f} | {held:,} | {planned:,} |"


def _not_right(findings: Sequence[Finding]) -> Iterator[str]:
    rows = [f for f in findings if f.outcome in ("wrong", "failed", "skipped")]
    if not rows:
        return
    yield ""
    yield "| not right | | why |"
    yield "|---|---|---|"
    for row in rows:
        why = " ".join(row.detail.split()).replace("|", "/")
        yield f"| {row.outcome} | {row.part}: {row.name} | {why} |"


def _gib(size: float) -> str:
    return f"{size / 2**30:.2f} GiB"
