"""Lines of a batch: what each asks, or why it asks nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bestofn_server.batch.lines import batch_lines

GOOD: dict[str, Any] = {
    "custom_id": "a",
    "method": "POST",
    "url": "/v1/chat/completions",
    "body": {"messages": []},
}


def _bytes(*lines: Any) -> list[bytes]:
    return [json.dumps(line).encode() + b"\n" for line in lines]


def test_a_line_is_a_request() -> None:
    (line,) = batch_lines([b"  \n", b"\xef\xbb\xbf" + _bytes(GOOD)[0], b"\n"])
    assert (line.number, line.custom_id, line.url) == (2, "a", GOOD["url"])
    assert (line.body, line.error) == (GOOD["body"], None)
    assert line.identity.startswith("batch_req_")


def test_a_slash_at_the_end_of_a_path_is_no_part_of_it() -> None:
    asked = [GOOD | {"custom_id": f"{at}", "url": GOOD["url"] + "/" * at} for at in range(3)]
    assert [line.url for line in batch_lines(_bytes(*asked))] == [GOOD["url"]] * 3
    (root,) = batch_lines(_bytes(GOOD | {"url": "/"}))
    assert root.url == "/"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{", "line 1: it is no JSON"),
        (b"[1]", "line 1: "),
        (b"\xff\xfe", "line 1: "),
        (GOOD | {"custom_id": 5}, "line 1: custom_id: "),
        (GOOD | {"custom_id": ""}, "line 1: custom_id: "),
        (GOOD | {"method": "GET"}, "line 1: method: "),
        (GOOD | {"url": "v1/chat"}, "line 1: url: "),
        (GOOD | {"url": GOOD["url"] + "\n"}, "line 1: url: "),
        (GOOD | {"url": "/v1/\x00"}, "line 1: url: "),
        (GOOD | {"body": "x"}, "line 1: body: "),
        (GOOD | {"body": {"stream": True}}, "line 1: body.stream: a batch is answered in whole"),
        ({"custom_id": "a"}, "line 1: method: "),
    ],
)
def test_what_asks_nothing_says_why(line: Any, said: str) -> None:
    text = line if isinstance(line, bytes) else json.dumps(line).encode()
    (found,) = batch_lines([text])
    assert (found.body, found.code) == (None, "invalid_line")
    assert found.error is not None
    assert found.error.startswith(said)


def test_of_two_lines_with_one_id_the_first_is_asked() -> None:
    other = GOOD | {"custom_id": "b"}
    lines = list(batch_lines(_bytes(GOOD, other, GOOD, GOOD | {"body": {}})))
    assert [line.code for line in lines] == [None, None, *["duplicate_custom_id"] * 2]
    assert lines[2].error == "line 3: line 1 has that custom_id too"
    assert len({line.identity for line in lines}) == 4


def test_an_identity_is_of_what_a_line_says_and_not_of_where_it_stands() -> None:
    ((first,), (again,), (changed,)) = (
        list(batch_lines(lines))
        for lines in (
            _bytes(GOOD),
            [b"\n", *_bytes(dict(reversed(GOOD.items())))],
            _bytes(GOOD | {"body": {"messages": [], "seed": 1}}),
        )
    )
    assert first.identity == again.identity != changed.identity
