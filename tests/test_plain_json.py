"""JSON that can be written again: surrogates, numbers, depth."""

from __future__ import annotations

import json
import math

import pytest

from bestofn.support.plain_json import (
    AT_ONCE,
    DEEPEST,
    check_depth,
    parsed,
    well_formed,
    well_formed_value,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("Grüße 🙂", "Grüße 🙂"),
        ("a \ud83d b", "a \ufffd b"),
        ("\udc00", "\ufffd"),
        ("\ud83d\ude42", "🙂"),
        ("x" * 16_383 + "\ud83d\ude42", "x" * 16_383 + "🙂"),
        ("\ufeffa\ud800", "\ufeffa\ufffd"),
    ],
)
def test_halves_of_pairs_are_replaced_and_pairs_are_joined(text: str, expected: str) -> None:
    assert well_formed(text) == expected
    assert well_formed_value({text: [text, {"a": (text, 1)}]}) == {
        expected: [expected, {"a": [expected, 1]}]
    }
    assert parsed(json.dumps([text]).encode()) == [expected]


@pytest.mark.parametrize("pad", [0, AT_ONCE])
@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (b"NaN", None),
        (b"-Infinity", None),
        (b"1e999", None),
        (b"-1E+400", None),
        (b"1" + b"0" * 400 + b".5", None),
        (b"9" * 5000, None),
        (b"9223372036854775807", 2**63 - 1),
        (b"9223372036854775808", None),
        (b"-0.12345678901234567", -0.12345678901234567),
        (b"1e5", 1e5),
        (b'"\xe4"', "\ufffd"),
        (b'"\xed\xa0\xbd"', "\ufffd\ufffd\ufffd"),
    ],
)
def test_what_cannot_be_written_is_not_read(document: bytes, expected: object, pad: int) -> None:
    value, _ = parsed(b'[%s, "%s"]' % (document, b"a" * pad))
    assert value == expected
    assert not isinstance(value, float) or math.isfinite(value)
    json.dumps(value, allow_nan=False, ensure_ascii=False).encode()


def test_byte_order_marks_and_other_encodings_are_read() -> None:
    for encoding in ("utf-8-sig", "utf-16", "utf-16-le", "utf-32"):
        assert parsed('{"a": "ä"}'.encode(encoding)) == {"a": "ä"}


@pytest.mark.parametrize("document", [b"", b"{", b"<html>", b"[" * 10**5, b"[1,]", b"\x00"])
def test_what_is_no_json_is_a_value_error(document: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parsed(document)


def test_depth_is_bounded() -> None:
    def nested(levels: int) -> object:
        return json.loads("[" * levels + "]" * levels)

    check_depth(nested(DEEPEST))
    check_depth({"a": [1, "x", None, {}]})
    check_depth(5)
    for check in (check_depth, well_formed_value):
        with pytest.raises(ValueError, match="deeper than 64"):
            check({"a": nested(DEEPEST + 1)})
