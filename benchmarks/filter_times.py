"""Prints how long the filters take for texts that are made to be slow, and block the event loop.

    python -m benchmarks.filter_times

Two tables: milliseconds of each filter alone, by size (processor time, which other processes do not
change), and the longest time that the event loop's thread is busy without a pause while
`best_of_n` judges one such candidate: the longer of two, with an ordinary prompt and with the text
as its prompt. A ratio is that of a size and the one before it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import time
from collections.abc import Sequence

from bestofn.builders.pipeline import build_filters
from bestofn.control.policy import Policy
from bestofn.core.best_of_n import best_of_n
from bestofn.core.no_winner import NothingAcceptableError
from bestofn.core.pipeline import Pipeline
from bestofn.core.protocols import Filter
from bestofn.core.types import Candidate, Request
from bestofn.generators.replay import ReplayGenerator
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.settings.sections import FilterSpec
from bestofn.settings.settings import Settings

SIZES = (1_000, 8_000, 32_000, 128_000, 1_000_000)
HOSTILE = {
    "one letter": "a",
    "a@a@": "a@",
    "spaceless Chinese": "这是一段没有空格的中文文本，",
    "ideographic spaces": "\u3000",
    "no-break spaces": "\xa0",
    "lines of such spaces": "\u3000\xa0\u3000\n",
    "backticks": "`",
    "brackets": "([{",
    "quotation marks": "„“»«",
    "lines of bars": "| a | b |\n",
    "open fences": "```a\n",
    "think tags": "<think>",
    "template tokens": "<|im_",
    "hash marks": "#a ",
    "numbers": "1:2.3,",
    "words": "the old man and ",
    "counted words": "",
}
"""Units of the texts, by what they are; the last counts: no two words in a row are alike."""

ASKED = "Which of the rivers of the valley is the longest, and why?"


def text_of(name: str, size: int) -> str:
    """So many characters of a kind."""
    unit = HOSTILE[name]
    if not unit:
        return " ".join(f"w{number}" for number in range(size // 4))[:size]
    return (unit * (size // len(unit) + 1))[:size]


def candidate_of(text: str) -> Candidate:
    """A candidate that says it ended."""
    return Candidate(0, {"role": "assistant", "content": text}, "stop")


def alone(judge: Filter, texts: Sequence[str]) -> list[float]:
    """Milliseconds of one filter for each size, with the slower of both prompts."""
    return [max(_checked(judge, prompt, text) for prompt in (ASKED, text)) for text in texts]


def _checked(judge: Filter, prompt: str, text: str) -> float:
    begin = time.process_time()
    judge.check(Request.from_prompt(prompt), candidate_of(text))
    return 1000 * (time.process_time() - begin)


async def block(request: Request, pipeline: Pipeline) -> tuple[float, float]:
    """(the longest time in ms that the loop's thread is busy in one turn, ms for the whole)."""
    loop = asyncio.get_running_loop()
    longest, last, running = 0.0, time.thread_time(), True

    def tick() -> None:
        nonlocal longest, last
        now = time.thread_time()
        longest, last = max(longest, now - last), now
        if running:
            loop.call_later(0.0005, tick)

    tick()
    begin = time.perf_counter()
    with contextlib.suppress(NothingAcceptableError):
        await best_of_n(request, pipeline)
    running = False
    return 1000 * longest, 1000 * (time.perf_counter() - begin)


async def blocks(filters: Sequence[Filter], rounds: int) -> None:
    """Print the longest block for each kind and size, of several rounds the median."""
    worst: list[tuple[float, str]] = [(0.0, "")] * len(SIZES)
    print("\nlongest block of the event loop in ms (until the candidate is judged, in ms)")
    for name in HOSTILE:
        shown = []
        for at, size in enumerate(SIZES):
            text = text_of(name, size)
            pipeline = Pipeline(
                ReplayGenerator((candidate_of(text),)),
                ArgmaxSelector(),
                filters,
                policy=Policy("error"),
            )
            medians = []
            for prompt in (ASKED, text):
                request = Request.from_prompt(prompt, best_of=1)
                taken = sorted([await block(request, pipeline) for _ in range(rounds)])
                medians.append(taken[rounds // 2])
            longest = max(medians)
            worst[at] = max(worst[at], (longest[0], name))
            shown.append(f"{longest[0]:7.1f} ({longest[1]:6.0f})")
        print(f"  {name:<22}{''.join(shown)}")
    for size, (longest_of_size, name) in zip(SIZES, worst, strict=True):
        print(f"  the longest of {size:>9,} characters: {longest_of_size:.1f} ms, {name}")
    ratios = [late[0] / early[0] for early, late in itertools.pairwise(worst)]
    print(f"  ratios of neighbours: {', '.join(f'{ratio:.1f}' for ratio in ratios)}")


def times(filters: Sequence[Filter]) -> None:
    """Print how long each filter takes by itself, where it takes more than 20 ms or grows fast."""
    shown_sizes = ", ".join(f"{size:,}" for size in SIZES)
    print(f"\nms of each filter alone for texts of {shown_sizes} characters (above 20 ms)")
    worst = (0.0, "", "")
    for judge in filters:
        for name in HOSTILE:
            taken = alone(judge, [text_of(name, size) for size in SIZES])
            worst = max(worst, (taken[-1], judge.name, name))
            per_character = [each / size for each, size in zip(taken, SIZES, strict=True)]
            growth = max(
                (
                    late / early
                    for (early, late), ms in zip(
                        itertools.pairwise(per_character), taken[1:], strict=True
                    )
                    if ms > 5
                ),
                default=0.0,
            )
            if taken[-1] > 20 or growth > 1.5:
                figures = ", ".join(f"{each:.1f}" for each in taken)
                print(f"  {judge.name:<20}{name:<22}{figures:<40} per character x {growth:.1f}")
    print(f"  the longest: {worst[0]:.0f} ms, {worst[1]} on {worst[2]}")


def main() -> None:
    """Read the flags, print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--filters", nargs="+", help="names; none: the defaults, echo, language")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=("alone", "blocks"), help="one of the two tables")
    flags = parser.parse_args()
    named = [FilterSpec(name=name) for name in flags.filters or ()]
    default = [*Settings().filters, FilterSpec(name="echo"), FilterSpec(name="language")]
    filters = build_filters(named or default)
    if flags.only != "blocks":
        times(filters)
    if flags.only != "alone":
        asyncio.run(blocks(filters, flags.rounds))


if __name__ == "__main__":
    main()
