"""Prints what each surface adds to the time of a chat completion, over a stub, in one run.

    .venv/bin/python -m benchmarks.surfaces [--requests 400] [--latency-ms 20]

One client asks `bestofn serve --upstream` for best_of = 8 over `benchmarks.stub`, the same question
on each path, whole and streamed, in an order drawn anew for each turn; the figure is the
difference of the medians to the chat completion of the same kind. A tool and a conversation of
several turns are in each body, since that is what a surface translates.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import time
from typing import Any

import aiohttp

from benchmarks.processes import running

N = 8
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CALL = '{"city": "Oslo"}'
QUESTION, ANSWER, RESULT = "What is the weather in Oslo?", "Let me see.", "Sunny, 14 degrees."


def bodies() -> dict[str, dict[str, Any]]:
    """The same request on each path."""
    function = {"name": "weather", "description": "of a city", "parameters": SCHEMA}
    called = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": CALL}}
    return {
        "/v1/chat/completions": {
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": QUESTION},
                {"role": "assistant", "content": ANSWER, "tool_calls": [called]},
                {"role": "tool", "tool_call_id": "c1", "content": RESULT},
            ],
            "max_tokens": 64,
            "tools": [{"type": "function", "function": function}],
        },
        "/v1/responses": {
            "instructions": "Be brief.",
            "input": [
                {"role": "user", "content": QUESTION},
                {"role": "assistant", "content": [{"type": "output_text", "text": ANSWER}]},
                {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": CALL},
                {"type": "function_call_output", "call_id": "c1", "output": RESULT},
            ],
            "max_output_tokens": 64,
            "tools": [{"type": "function", **function}],
        },
        "/v1/messages": {
            "system": "Be brief.",
            "messages": [
                {"role": "user", "content": QUESTION},
                {
                    "role": "assistant",
                    "content": [
                        {"type": "text", "text": ANSWER},
                        {
                            "type": "tool_use",
                            "id": "c1",
                            "name": "weather",
                            "input": {"city": "Oslo"},
                        },
                    ],
                },
                {
                    "role": "user",
                    "content": [{"type": "tool_result", "tool_use_id": "c1", "content": RESULT}],
                },
            ],
            "max_tokens": 64,
            "tools": [{"name": "weather", "description": "of a city", "input_schema": SCHEMA}],
        },
    }


async def measured(url: str, requests: int) -> dict[tuple[str, bool], list[float]]:
    """Milliseconds of each request, by path and whether it was streamed."""
    took: dict[tuple[str, bool], list[float]] = {
        (path, streamed): [] for path in bodies() for streamed in (False, True)
    }
    order = random.Random(1)
    async with aiohttp.ClientSession(url) as session:
        for turn in range(requests + 20):
            for path, streamed in order.sample(list(took), k=len(took)):
                body = {**bodies()[path], "best_of": N, **({"stream": True} if streamed else {})}
                started = time.perf_counter()
                async with session.post(path, json=body) as response:
                    response.raise_for_status()
                    await response.read()
                if turn >= 20:  # those before warm up
                    took[path, streamed].append(1000 * (time.perf_counter() - started))
    return took


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=400, help="of each path and kind")
    parser.add_argument("--latency-ms", type=float, default=20, help="of the stub")
    arguments = parser.parse_args()
    with (
        running("benchmarks.stub", f"--latency-ms={arguments.latency_ms}") as stub,
        running("bestofn", "serve", "--upstream", stub, "--reward-model", "none") as service,
    ):
        took = asyncio.run(measured(service, arguments.requests))
    print(f"N = {N}; medians of {arguments.requests} requests each\n")
    print("| path | whole | added | streamed | added |")
    print("|---|---:|---:|---:|---:|")
    base = [statistics.median(took["/v1/chat/completions", streamed]) for streamed in (False, True)]
    for path in bodies():
        whole, streamed = (statistics.median(took[path, each]) for each in (False, True))
        print(
            f"| `{path}` | {whole:.2f} ms | {whole - base[0]:+.2f} ms "
            f"| {streamed:.2f} ms | {streamed - base[1]:+.2f} ms |"
        )


if __name__ == "__main__":
    main()
