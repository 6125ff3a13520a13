"""Prints what upstream mode adds to an upstream without a model, in one run on one machine.

    .venv/bin/python -m benchmarks.serving [--rounds 3]

The upstream is `benchmarks.stub`: every answer takes 50 ms. Clients ask it for n = 8, and then
`bestofn serve --upstream` for best_of = 8, in turn, each asking again once it is answered. The
stub, the service and the clients share the machine. With `ignores n` the stub gives one choice
however many are asked for, so that every candidate is a request of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx

from benchmarks.load import closed_loop

N = 8
REQUESTS = {1: 60, 4: 240, 32: 1500}
"""Requests per number of clients in a round."""


@contextlib.contextmanager
def running(module: str, *flags: str) -> Iterator[str]:
    """Run a server as a module of Python on a free port; yields its URL once it answers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", module, *flags, f"--port={port}"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
        try:
            while True:
                if server.poll() is not None:
                    raise SystemExit(f"it ended by itself: {' '.join(command)}")
                with contextlib.suppress(httpx.TransportError):
                    httpx.get(f"{url}/v1/models").raise_for_status()
                    break
                time.sleep(0.1)
            yield url
        finally:
            server.terminate()


async def overhead(rounds: int, *, ignores_n: bool) -> None:
    """Print a row per number of clients."""
    stub_flags = ["--ignores-n"] if ignores_n else []
    with (
        running("benchmarks.stub", *stub_flags) as stub,
        running("bestofn", "serve", "--upstream", stub, "--reward-model", "none") as service,
    ):
        message = {"role": "user", "content": "What is 8 - 5?"}
        await closed_loop(service, [{"messages": [message], "best_of": N}] * 100, 8)
        for clients, count in REQUESTS.items():
            added, rates = [], []
            for _ in range(rounds):
                bare = await closed_loop(stub, [{"messages": [message], "n": N}] * count, clients)
                ours = await closed_loop(
                    service, [{"messages": [message], "best_of": N}] * count, clients
                )
                added.append(1000 * (ours.percentile(50) - bare.percentile(50)))
                rates.append(ours.rate)
            print(
                f"| {'ignores n' if ignores_n else 'honours n'} | {clients} "
                f"| {statistics.median(added):.1f} ms | {statistics.median(rates):.0f}/s |",
                flush=True,
            )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    print(f"N = {N}; medians of {arguments.rounds} rounds; {os.cpu_count()} cores")
    print("| upstream | clients | added to the median | requests |")
    print("|---|---:|---:|---:|")
    for ignores_n in (False, True):
        asyncio.run(overhead(arguments.rounds, ignores_n=ignores_n))


if __name__ == "__main__":
    main()
