"""Prints what hostile requests do to `bestofn serve` in a process of its own.

    .venv/bin/python -m benchmarks.attacks [--only NAME ...]

The server samples from `benchmarks.stub` and scores with the embedded reward model; its time-outs
are short (`benchmarks.attacked.SETTINGS`), so that what waits for them ends while it is watched.
`freeze` is the longest that another client waited for GET /health meanwhile, `status` what the
attacker was told, memory the server's own, before and after. Clients, server and stub share the
machine.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.attacked import CHAT, LARGEST, Attack, Run, chat, post, target, watched


def _body(content: Callable[[], Any], path: str = CHAT, times: int = 1) -> Run:
    """Send a body, so often at once."""

    def run(port: int) -> Sequence[int]:
        made = content()
        body = made if isinstance(made, bytes) else json.dumps(made).encode()
        assert len(body) <= LARGEST, len(body)
        with ThreadPoolExecutor(times) as threads:
            return list(threads.map(lambda _: post(port, path, body), range(times)))

    return run


def _filled(unit: bytes, opening: bytes, closing: bytes) -> bytes:
    """As many units with commas between as fit the largest body."""
    count = (LARGEST - len(opening) - len(closing)) // (len(unit) + 1)
    return opening + b",".join([unit] * count) + closing


def _inchat(unit: bytes, opening: bytes = b"[", closing: bytes = b"]") -> Callable[[], bytes]:
    head = json.dumps(chat()).encode()[:-1] + b', "x": ' + opening
    return lambda: _filled(unit, head, closing + b"}")


def _sockets(
    first: bytes, count: int, *, more: bytes = b"", times: int = 0, unread: bool = False
) -> Run:
    """Open connections that send this and no more, and see what they are told, or that they are
    closed."""

    def run(port: int) -> str | Sequence[int]:
        opened = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
        told = []
        try:
            for each in opened:
                each.settimeout(30)
                with contextlib.suppress(OSError):
                    each.sendall(first)
                    for _ in range(times):
                        each.sendall(more)
            if unread:
                time.sleep(8)
            for each in opened:
                answer = b""
                with contextlib.suppress(OSError):
                    while piece := each.recv(2**20):
                        answer += piece[: max(0, 64 - len(answer))]
                told.append(answer)
        finally:
            for each in opened:
                each.close()
        statuses = [int(answer.split()[1]) for answer in told if answer.startswith(b"HTTP/1.1 ")]
        return statuses or "closed"

    return run


def _raw(head: str, body: bytes = b"") -> bytes:
    return head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body


_POST = f"POST {CHAT} HTTP/1.1\nhost: x\ncontent-type: application/json"
_STREAM = json.dumps(chat(stream=True, best_of=2, n=2)).encode()
_ASKED = _raw(f"{_POST}\ncontent-length: {len(_STREAM)}", _STREAM)
_HALF = _raw(f"{_POST}\ncontent-length: {7 * 2**20 + 1}", b" " * (7 * 2**20))


def _told(*answers: int | str) -> frozenset[int | str]:
    return frozenset(answers)


_NO = _told(400)
ATTACKS: Sequence[Attack] = (
    Attack(
        "100,000 prompts",
        _body(lambda: {"prompt": ["a"] * 100_000, "max_tokens": 1}, "/v1/completions"),
        _NO,
    ),
    Attack(
        "1,024 prompts",
        _body(
            lambda: {"prompt": ["a"] * 1024, "best_of": 1, "max_tokens": 1, "bestofn": {}},
            "/v1/completions",
        ),
        _told(200, 404, 422, 502, 504),
    ),
    Attack(
        "2,000,000 token ids",
        _body(lambda: b'{"prompt": [%s1]}' % (b"1," * 2_000_000), "/v1/completions"),
        _NO,
    ),
    Attack("100,000 messages", _body(lambda: {"messages": chat()["messages"] * 100_000}), _NO),
    Attack(
        "100,000 logit_bias",
        _body(lambda: chat(logit_bias={str(at): 1 for at in range(100_000)})),
        _NO,
    ),
    Attack("1,000,000 stops", _body(lambda: chat(stop=["a"] * 1_000_000)), _NO),
    Attack("1,000,000 stop_token_ids", _body(lambda: chat(stop_token_ids=[1] * 1_000_000)), _NO),
    Attack("500,000 filters", _body(lambda: chat(bestofn={"filters": ["empty"] * 500_000})), _NO),
    Attack(
        "60,000 unknown options",
        _body(lambda: chat(bestofn={f"x{at}": 1 for at in range(60_000)})),
        _NO,
    ),
    Attack(
        "50,000 choices",
        _body(lambda: chat(structured_outputs={"choice": [str(at) for at in range(50_000)]})),
        _NO,
    ),
    Attack(
        "an enum of 100,000",
        _body(
            lambda: chat(
                response_format={
                    "type": "json_schema",
                    "json_schema": {"name": "x", "schema": {"enum": list(range(100_000))}},
                }
            )
        ),
        _NO,
    ),
    Attack("8 MiB of []", _body(_inchat(b"[]")), _NO),
    Attack("16 x 8 MiB of []", _body(_inchat(b"[]"), times=16), _told(400, 429)),
    Attack('8 MiB of {"":0}', _body(_inchat(b'{"":0}')), _NO),
    Attack('8 MiB of "a"', _body(_inchat(b'"a"')), _NO),
    Attack(
        "8 MiB of [",
        _body(lambda: json.dumps(chat()).encode()[:-1] + b', "x": ' + b"[" * (LARGEST - 200)),
        _NO,
    ),
    Attack("8 MiB of digits", _body(lambda: b'{"seed": %s}' % (b"9" * (LARGEST - 20))), _NO),
    Attack(
        r"8 MiB of \"",
        _body(lambda: json.dumps(chat(user='"' * (LARGEST // 2 - 200))).encode()),
        _told(200),
    ),
    Attack(
        "lone surrogates",
        _body(lambda: b'{"stop": "%s"}' % (rb"\ud83d " * (LARGEST // 7 - 20))),
        _NO,
    ),
    Attack(
        "a filter's name of 8 MiB",
        _body(lambda: chat(bestofn={"filters": ["a" * (LARGEST - 200)]})),
        _NO,
    ),
    Attack(
        "one text of 7 MB filtered",
        _body(lambda: {"prompt": "q", "responses": ["word " * 1_400_000]}, "/v1/rewards"),
        _told(200, 504),
    ),
    Attack(
        "one text of 7 MB scored",
        _body(
            lambda: {"prompt": "q", "responses": ["word " * 1_400_000], "filters": []},
            "/v1/rewards",
        ),
        _told(200),
    ),
    Attack(
        "1,024 texts of 7 kB scored",
        _body(
            lambda: {"prompt": "q", "responses": ["word " * 1_400] * 1024, "filters": []},
            "/v1/rewards",
        ),
        _told(200, 504),
    ),
    Attack(
        "one document of 7 MB",
        _body(lambda: {"query": "q", "documents": ["word " * 1_400_000]}, "/v1/rerank"),
        _told(200, 400),
    ),
    Attack(
        "one input of 7 MB",
        _body(lambda: {"input": "word " * 1_400_000}, "/classify"),
        _told(200, 400),
    ),
    Attack("best_of 64, max_tokens 2**31", _body(lambda: chat(best_of=64, max_tokens=2**31)), _NO),
    Attack(
        "a header of 100 MB",
        _sockets(
            _raw("GET /health HTTP/1.1\nhost: x")[:-2] + b"x-y: ", 1, more=b"a" * 2**20, times=100
        ),
        _told(431, "closed"),
    ),
    Attack(
        "20,000 headers",
        _sockets(_raw("GET /health HTTP/1.1\nhost: x\n" + "a: 1\n" * 20_000), 1),
        _told(431),
    ),
    Attack(
        "20 MB behind a body in chunks",
        _sockets(
            _raw(f"{_POST}\ntransfer-encoding: chunked", b"0\r\n"),
            1,
            more=b"x-y: 1\r\n" * 2**17,
            times=20,
        ),
        _told(431, "closed"),
    ),
    Attack(
        "1,000,000 requests on one connection",
        _sockets(_ASKED, 1, more=_raw("GET /health HTTP/1.1") * 10_000, times=100),
        _told(200, "closed"),
    ),
    Attack("60 idle connections", _sockets(b"", 60), _told("closed")),
    Attack("60 halves of a header", _sockets(b"GET /health HTTP/1.1\r\nhost: x", 60), _told(408)),
    Attack("60 halves of a body of 14 MB", _sockets(_HALF, 60), _told(408, 413, 429)),
    Attack(
        "5 streams that nobody reads",
        _sockets(_ASKED, 5, unread=True),
        _told(200),
    ),
)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", help="names of attacks, or parts of them")
    only = parser.parse_args().only
    print("| attack | status | freeze, ms | seconds | memory before, MiB | after |")
    print("|---|---|---|---|---|---|")
    with target() as server:
        first = server.process.memory_info().rss
        for attack in ATTACKS:
            if only and not any(part in attack.name for part in only):
                continue
            result = watched(attack, server)
            told = ", ".join(
                f"{answer} x {n}" if n > 1 else str(answer) for answer, n in result.told.items()
            )
            print(
                f"| {attack.name} | {told} | {result.freeze * 1000:.0f} | {result.seconds:.1f} "
                f"| {result.before / 2**20:.0f} | {result.after / 2**20:.0f} |",
                flush=True,
            )
        last = server.process.memory_info().rss
        print(f"\nmemory after all: {last / first:.2f} x that of before")


if __name__ == "__main__":
    main()
