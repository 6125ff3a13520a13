"""Tests the tokens that the repetition filter sees, and the cycles found in them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bestofn.filters.data_lines import data_lines, ends_in_data_lines
from bestofn.filters.repetition.cycles import Cycle, exact_cycles, near_cycles
from bestofn.filters.repetition.duplicates import duplicate_lines, duplicate_ngrams
from bestofn.filters.repetition.segmentation import segment


def tokens(text: str) -> list[str]:
    """The tokens of `text` as strings."""
    found = segment(text)
    spans = [found.span(i, i + 1) for i in range(len(found))]
    return [text[begin:end] for begin, end in spans]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It's 3.5 kg, ok?", ["It", "'", "s", "3.5", "kg", ",", "ok", "?"]),
        ("二氧化硫、SO2", ["二", "氧", "化", "硫", "、", "SO2"]),
        ("これはペン", ["こ", "れ", "は", "ペ", "ン"]),
        ("self._x = foo_bar", ["self", ".", "_x", "=", "foo_bar"]),
        ("안녕하세요 여러분", ["안녕하세요", "여러분"]),
        ("ไทย", ["ไ", "ท", "ย"]),
        ("😂😂", ["😂", "😂"]),
        # no word is that long: the characters that are too many are tokens of their own
        ("x" * 42, ["x", "x", "x" * 40]),
        ("", []),
        (" \n ", []),
    ],
)
def test_tokens(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


def test_content_and_numbers() -> None:
    found = segment("Ab 12 , 天 😂 x1")
    assert found.content.tolist() == [True, False, False, True, True, True]
    assert found.number.tolist() == [False, True, False, False, False, False]


@given(st.text(max_size=200))
def test_every_character_but_whitespace_is_in_exactly_one_token(text: str) -> None:
    assert "".join(tokens(text)) == "".join(text.split())


def test_exact_cycle_has_start_period_and_length() -> None:
    ids = np.array([9, 8, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 7], dtype=np.int32)
    assert list(exact_cycles(ids, longest=5, copies=3)) == [Cycle(2, 3, 10)]
    assert Cycle(2, 3, 10).copies == 3
    assert list(exact_cycles(ids, longest=5, copies=4)) == []
    assert list(exact_cycles(ids, longest=2, copies=2)) == []


def test_near_cycle_tolerates_what_varies() -> None:
    rows = [token for i in range(6) for token in (1, 2, 3, 4, 50 + i)]
    ids = np.array([90, 91, *rows, 92], dtype=np.int32)
    judged = np.ones(len(ids), dtype=np.bool_)
    found = list(near_cycles(ids, judged, longest=6, copies=5, similarity=0.7))
    assert found == [Cycle(2, 5, 29)]
    assert list(near_cycles(ids, judged, longest=6, copies=5, similarity=0.9)) == []


def test_duplicate_shares() -> None:
    assert duplicate_lines("a long enough line\nanother long enough line") == (0.0, "")
    share, example = duplicate_lines("a long enough line\n}\na long enough line\n}")
    assert share == pytest.approx(18 / 38)
    assert example == "a long enough line"
    ids = np.array([*range(10), *range(10), 77], dtype=np.int32)
    every = np.ones(len(ids), dtype=np.bool_)
    assert duplicate_ngrams(ids, every, 4) == pytest.approx(10 / 21)
    assert duplicate_ngrams(ids[:10], every[:10], 4) == 0.0
    assert duplicate_ngrams(ids[:3], every[:3], 4) == 0.0


def test_rows_of_data() -> None:
    rows = "AF;Afghanistan;Kabul;1\n" * 4
    assert [data for _, data in data_lines("A title\n" + rows + "The end.")] == [
        False,
        *[True] * 4,
        False,
    ]
    assert not any(data for _, data in data_lines("| a; b; c; d |\n" * 5))
    assert ends_in_data_lines(rows)
    assert not ends_in_data_lines(rows + "The end.")
