"""Bodies as JSON: what is refused before it is parsed, and what after."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from bestofn_server.errors import InvalidBodyError
from bestofn_server.http.json_body import SLICE, Shape, read_json
from bestofn_server.wire import bounds

TEXTS = [
    "",
    "plain",
    'quotes " and [brackets], {',
    "back\\slash",
    "\\",
    '\\"',
    "\n\t",
    "ü€😀",
    "]}",
]


async def _refused(body: bytes) -> InvalidBodyError:
    with pytest.raises(InvalidBodyError) as caught:
        await read_json(body)
    return caught.value


def _random(source: random.Random, depth: int = 0) -> Any:
    kind = source.randrange(6 if depth < 5 else 4)
    if kind < 2:
        return "".join(source.choices(TEXTS, k=source.randrange(4)))
    if kind < 4:
        return source.choice([0, -1, 1.5, True, None, 2**63 - 1])
    children = [_random(source, depth + 1) for _ in range(source.randrange(5))]
    if kind == 4:
        return children
    return {f"{source.choice(TEXTS)}{at}": each for at, each in enumerate(children)}


def _counted(value: Any) -> tuple[int, int, int]:
    """Lists and objects, members, and the depth of a value."""
    if not isinstance(value, list | dict):
        return 0, 0, 0
    inside = [_counted(each) for each in (value.values() if isinstance(value, dict) else value)]
    members = len(value) if isinstance(value, dict) else 0
    return (
        1 + sum(each[0] for each in inside),
        members + sum(each[1] for each in inside),
        1 + max((each[2] for each in inside), default=0),
    )


@pytest.mark.parametrize("ensure_ascii", [True, False])
def test_the_shape_is_that_of_the_parsed_value_wherever_the_slices_end(ensure_ascii: bool) -> None:
    source = random.Random(5)
    for _ in range(200):
        value = _random(source)
        text = json.dumps(value, ensure_ascii=ensure_ascii).encode()
        step = source.randrange(1, 9)
        shape = Shape()
        for start in range(0, len(text), step):
            shape.feed(text[start : start + step])
        assert (shape.containers, shape.members) == _counted(value)[:2], text
        assert (shape.depth, shape.in_string) == (0, False), text


async def test_what_python_writes_is_read_as_it_was() -> None:
    source = random.Random(7)
    for _ in range(50):
        value = {"x": _random(source)}
        for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1)):
            for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):
                assert await read_json(text.encode(encoding)) == value


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"[" * 101 + b"]" * 101, "nests lists and objects more than 100 deep"),
        (b'{"x":' * 4_000_000, "nests lists and objects more than 100 deep"),
        (b"[" + b"[]," * bounds.MAX_CONTAINERS + b"1]", "more than 32,768 lists and objects"),
        (b"{" + b'"":0,' * (bounds.MAX_MEMBERS + 1), "more than 65,536 members of objects"),
        (b"[" + b"1," * (bounds.MAX_VALUES + 1), "more than 524,288 values"),
        (b"[" + b'"a",' * (bounds.MAX_VALUES + 1), "more than 524,288 values"),
    ],
)
async def test_a_body_of_too_many_parts_is_refused_unparsed(
    body: bytes, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bestofn_server.http.json_body._parsed", None)
    assert said in str(await _refused(body))


async def test_brackets_and_commas_in_a_text_count_for_nothing() -> None:
    text = "[]{},:" * SLICE + '"' * 1000 + "\\" * 999
    assert await read_json(json.dumps({"x": text}).encode()) == {"x": text}
    assert await read_json(b"[" * 100 + b"]" * 100)


@pytest.mark.parametrize(
    ("body", "param", "said"),
    [
        (b'{"top_k": 1%s}' % (b"0" * 400), "top_k", "the number is beyond 64 bits"),
        (b'{"x": [1, 9223372036854775808]}', "x", "the number is beyond 64 bits"),
        (b'{"x": [1, -9223372036854775809, 2.5]}', "x.1", "the number is beyond 64 bits"),
        (b'{"prompt": [1, 9223372036854775808]}', "prompt", "the number is beyond 64 bits"),
        (b'{"temperature": 1e999}', "temperature", "the number is too large"),
        (rb'{"stop": ["fine", "half \ud83d"]}', "stop.1", "half of a surrogate pair (U+D83D) at 5"),
        (b'{"stop": "\xed\xa0\xbd"}', "stop", "half of a surrogate pair (U+D83D) at 0"),
        (rb'{"a": {"\udc00": 1}}', "a", "half of a surrogate pair (U+DC00) at 0"),
        (b'{"x": [%s1]}' % (b"1," * 4096), "x", "a list of 4,097 items; at most 4,096 are taken"),
        (b'{"prompt": [%s1]}' % (b"1," * 2**18), "prompt", "a list of 262,145 items"),
        (b'{"x": {"choice": [%s""]}}' % (b'"",' * 1000), "x.choice", "a list of 1,001 items"),
        (b'{"x": {"enum": [%s""]}}' % (b'"",' * 1000), "x.enum", "a list of 1,001 items"),
    ],
)
async def test_what_no_engine_takes_is_named_by_its_field(
    body: bytes, param: str, said: str
) -> None:
    error = await _refused(body)
    assert (error.param, error.status) == (param, 400)
    assert str(error).startswith(f"{param}: ")
    assert said in str(error)


async def test_an_object_of_too_many_members_is_named() -> None:
    body = json.dumps({"logit_bias": {str(at): 1 for at in range(4097)}}).encode()
    assert str(await _refused(body)).startswith("logit_bias: an object of 4,097 members")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"messages": [', "Expecting value (line 1, column 15)"),
        (b'{"temperature": NaN}', "it has no number NaN"),
        (b'{"temperature": -Infinity}', "it has no number -Infinity"),
        (b'{"a": "caf\xe9"}', "no UTF-8 text"),
        ('{"a": "half'.encode("utf-16") + b"\x00\xd8", "no utf-16 text"),
    ],
)
async def test_what_is_no_json_says_where(body: bytes, said: str) -> None:
    error = await _refused(body)
    assert said in str(error)
    assert error.code == "invalid_json"


async def test_a_number_of_thousands_of_digits_is_one_sentence() -> None:
    assert str(await _refused(b'{"x": %s}' % (b"9" * 5000))).endswith("has thousands of digits")


async def test_a_long_name_is_not_quoted_whole() -> None:
    error = await _refused(json.dumps({"n" * 10_000: 10**400}).encode())
    assert len(str(error)) < 200
