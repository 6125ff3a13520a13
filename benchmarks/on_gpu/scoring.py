"""Scoring N candidates of one prompt with a model of some size: time, tokens per second, roofs.

The ways are those of `benchmarks.scoring`, timed in turn, round after round, over the floor: one
unpadded forward of as many tokens as have to be computed if the prompt is computed once.
"""

from __future__ import annotations

import functools
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch._dynamo.utils import counters

from benchmarks.on_gpu.findings import Findings, Skip, Verdict, relative
from benchmarks.on_gpu.models import Case, Work, cases_of, random_model
from benchmarks.scoring import texts_of
from benchmarks.scoring_ways import Random, Way

ROUNDS, DRY_ROUNDS = 5, 1
"""On a GPU, and on a CPU, where it is a dry run."""

MOST = 0.05
"""‖rewards - rewards one by one‖ / ‖rewards one by one‖, in half precision; in float32 far less."""

BUDGETS = (2048, 4096, 8192, 16384, 32768)
"""Tokens of one forward that are compared."""

PROMPTS_AT_ONCE = 8
"""Prompts whose candidates wait together, while budgets are compared."""


@dataclass(frozen=True, slots=True)
class Roofs:
    """What the device does at most, as measured.

    Args:
        flops: floating-point operations a second in products of large matrices.
        bandwidth: bytes a second, read and written, of a large copy.
    """

    flops: float
    bandwidth: float


def measure_roofs(findings: Findings, device: torch.device, dtype: torch.dtype) -> Roofs:
    """A product of matrices in the model's type, and a copy within the device; random data."""
    large = device.type == "cuda"
    width, numbers, times = (8192, 1 << 30, 20) if large else (256, 1 << 20, 3)
    found: list[float] = []

    def product() -> Verdict:
        a, b = (torch.randn(width, width, device=device, dtype=dtype) for _ in range(2))
        seconds = median_seconds(lambda: a @ b, device, times)
        found.append(2 * width**3 / seconds)
        return Verdict("measured", f"{found[0] / 1e12:.1f} TFLOP/s", {"flops": found[0]})

    def copy() -> Verdict:
        source = torch.empty(numbers, device=device, dtype=torch.int16).random_()
        target = torch.empty_like(source)
        seconds = median_seconds(lambda: target.copy_(source), device, times)
        speed = 2 * source.nbytes / seconds
        return Verdict("measured", f"{speed / 1e12:.3f} TB/s", {"bandwidth": speed})

    findings.check(f"product of {width} x {width} in {_name(dtype)}", product)
    copied = findings.check(f"copy of {2 * numbers >> 20} MiB", copy)
    return Roofs(found[0] if found else float("nan"), copied.values.get("bandwidth", float("nan")))


def check_scoring(findings: Findings, model: Random, shape: str, roofs: Roofs) -> None:
    """The table of `benchmarks.scoring`, its speed, and the budgets of one forward."""
    cases = cases_of(shape)
    findings.check(
        "rewards against float32", functools.partial(_in_float32, model, shape, cases[0])
    )
    for case in cases:
        findings.check(
            f"P, R, N = {', '.join(map(str, case))}",
            functools.partial(_case, findings, model, dict(model.ways()), case, roofs),
        )
    for budget in BUDGETS if model.device.type == "cuda" else BUDGETS[:1]:
        findings.check(
            f"budget of {budget:,} tokens", functools.partial(_budget, model, budget, cases[0])
        )


def check_compiled(findings: Findings, model: Random, shape: str, roofs: Roofs) -> None:
    """`reward.compile` over the package's own way, and how long compiling takes."""
    ways: dict[str, Way] = {"one by one": model.ways()["one by one"]}
    ways["bestofn"] = model.ways()["bestofn"]
    cases = cases_of(shape)

    def first() -> Verdict:
        compiled = model.compiled()
        texts, _ = texts_of(*cases[0])
        began = time.perf_counter()
        rewards = compiled(texts)
        seconds = time.perf_counter() - began
        ways["bestofn, compiled"] = compiled
        error = relative(rewards, ways["bestofn"](texts))
        verdict = Verdict.within(error, MOST, seconds=seconds)
        return Verdict(
            verdict.outcome, f"{verdict.detail}; {seconds:.1f} s to compile", verdict.values
        )

    def again() -> Verdict:
        # The first lengths are taken for fixed, the second for any.
        prompt, answer, count = cases[-1]
        ways["bestofn, compiled"](texts_of(*cases[-1])[0])
        graphs = counters["stats"]["unique_graphs"]
        ways["bestofn, compiled"](texts_of(prompt + 37, answer + 11, count)[0])
        more = counters["stats"]["unique_graphs"] - graphs
        detail = f"{graphs} graphs, {more} more for other lengths"
        return Verdict("wrong" if more else "right", detail)

    findings.check("compiling and its rewards", first)
    if "bestofn, compiled" not in ways:
        return
    for case in cases if model.device.type == "cuda" else cases[:1]:
        findings.check(
            f"P, R, N = {', '.join(map(str, case))}",
            functools.partial(_case, findings, model, ways, case, roofs),
        )
    findings.check("other lengths are not compiled again", again)


def _case(
    findings: Findings, model: Random, ways: Mapping[str, Way], case: Case, roofs: Roofs
) -> Verdict:
    texts, tokens = texts_of(*case)
    expected = ways["one by one"](texts)
    errors = {name: relative(way(texts), expected) for name, way in ways.items()}
    model.floor(tokens)
    found: dict[str, list[float]] = {"floor": [], **{name: [] for name in ways}}
    for _ in range(ROUNDS if model.device.type == "cuda" else DRY_ROUNDS):
        floor = seconds_of(functools.partial(model.floor, tokens))
        found["floor"].append(floor)
        for name, way in ways.items():
            found[name].append(seconds_of(functools.partial(way, texts)) / floor)
        if findings.left < 20:  # the other cases, and the file, are worth more
            break
    prompt = case[0]
    work = Work.of(model.trunk.config, prompt, [len(text) - prompt for text in texts])
    floor = statistics.median(found["floor"])
    last = list(ways)[-1]
    ours = statistics.median(found[last]) * floor
    speed = work.flops / ours
    values = {
        "case": case,
        "rounds": found,
        "errors": errors,
        "tokens": work.tokens,
        "tokens_of_all_texts": sum(map(len, texts)),
        "tokens_per_second": work.tokens / ours,
        "flops_per_second": speed,
        "of_the_roof": speed / roofs.flops,
    }
    worst = max(errors, key=lambda name: errors[name])
    right = all(error <= MOST for error in errors.values())
    return Verdict(
        "right" if right else "wrong",
        f"{last} {ours / floor:.2f} of the floor's {floor:.4f} s, "
        f"{work.tokens / ours:,.0f} tokens/s, {speed / 1e12:.1f} TFLOP/s, "
        f"{speed / roofs.flops:.0%} of the roof; largest error {errors[worst]:.2g} ({worst})",
        values,
    )


def _in_float32(model: Random, shape: str, case: Case) -> Verdict:
    """The errors of one by one and of packed against the same weights in float32, one by one."""
    if model.trunk.dtype == torch.float32:
        raise Skip("the model is in float32 itself")
    texts, _ = texts_of(*case)
    ways = model.ways()
    rewards = {name: ways[name](texts) for name in ("one by one", "bestofn")}
    exact = random_model(shape, model.device, torch.float32, model.budget)
    with torch.no_grad():
        for to, of in zip(exact.trunk.parameters(), model.trunk.parameters(), strict=True):
            to.copy_(of)
        exact.head.weight.copy_(model.head.weight)
    expected = exact.ways()["one by one"](texts)
    packed = relative(exact.ways()["bestofn"](texts), expected)
    errors = {name: relative(found, expected) for name, found in rewards.items()}
    right = packed <= 1e-3 and errors["bestofn"] <= max(MOST, 1.5 * errors["one by one"])
    return Verdict(
        "right" if right else "wrong",
        f"one by one {errors['one by one']:.2g}, packed {errors['bestofn']:.2g}; "
        f"packed in float32 {packed:.2g}",
        {"errors": errors, "packed_in_float32": packed},
    )


def _budget(model: Random, budget: int, case: Case) -> Verdict:
    """Several prompts' candidates by forwards of at most so many tokens."""
    texts: list[Sequence[int]] = []
    computed = 0
    for number in range(PROMPTS_AT_ONCE):
        # The first token tells the prompts apart, so that nothing is shared between them.
        drawn, tokens = texts_of(*case)
        texts += [[number, *ids[1:]] for ids in drawn]
        computed += tokens
    way = _with_budget(model, budget)
    way(texts)
    seconds = statistics.median(seconds_of(functools.partial(way, texts)) for _ in range(3))
    if model.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(model.device)
        before = torch.cuda.memory_allocated(model.device)
        way(texts)
        peak = torch.cuda.max_memory_allocated(model.device) - before
    else:
        peak = 0
    return Verdict(
        "measured",
        f"{computed / seconds:,.0f} tokens/s, peak {peak / 2**30:.2f} GiB beside the weights",
        {"budget": budget, "tokens_per_second": computed / seconds, "peak": peak},
    )


def _with_budget(model: Random, budget: int) -> Way:
    changed = Random(model.trunk, model.head, model.device, budget)
    return changed.ways()["bestofn"]


def seconds_of(act: Callable[[], object]) -> float:
    """Of something that waits for the device itself."""
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def median_seconds(act: Callable[[], object], device: torch.device, times: int) -> float:
    """Of something that is queued on the device: by its own events where it has them."""
    for _ in range(3):
        act()
    found: list[float] = []
    for _ in range(times):
        if device.type == "cuda":
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
            begin.record()
            act()
            end.record()
            end.synchronize()
            found.append(float(begin.elapsed_time(end)) / 1000)
        else:
            found.append(seconds_of(act))
    return statistics.median(found)


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
