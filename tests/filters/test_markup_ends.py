"""Tests the ends of markup and records: cut tags, elements, environments, rows and fields."""

from __future__ import annotations

import pytest

from bestofn.filters.truncation.filter import TruncationFilter
from tests.support.filter_checking import reason, rejection

FILTER = TruncationFilter()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<note>\n  <to>Ann</to>\n  <body>Hi</bo", "unclosed_code"),
        ("<p>Hello <b>world</b", "unclosed_code"),
        ('<svg width="10"><circle cx="5" cy="5"', "unclosed_code"),
        ('<?xml version="1.0"?>\n<config>\n  <port>80</port>', "unclosed_code"),
        ("\\documentclass{article}\n\\begin{document}\nHello. This is the", "unclosed_code"),
        ("\\begin{tabular}{|c|c|}\n\\hline\na & b", "unclosed_code"),
        ("Drink | Heat | Price\n--- | --- | ---\nTea | hot | low\nCoffee | hot", "cut_row"),
        ("city,land,size\nParis,France,2\nRome,Italy,3\nOslo,Nor", "cut_row"),
    ],
)
def test_markup_that_breaks_off_is_found(text: str, expected: str) -> None:
    assert reason(FILTER, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "<p>Hello <b>world</b></p>",
        "<p>One\n<p>Two <b>words</b>",
        '<?xml version="1.0"?>\n<config>\n  <port>80</port>\n</config>',
        "<answer>\nThe capital is Paris.",
        "Use the <a> tag, and </a> behind it, where x < 5",
        "It holds for all x <y and for <b>every</b> other case.",
        "You begin with \\begin{align} and end with \\end{align}",
        "An environment opens with \\begin{align}.",
        "\\begin{pmatrix} 1 & 0 \\\\ 0 & 1 \\end{pmatrix}",
        "Drink | Heat | Price\n--- | --- | ---\nTea | hot | low\nCoffee | hot | high",
        "city,land,size\nParis,France,2\nRome,Italy,3\nOslo,Norway,1",
        "red, green, blue\none, two, three\nleft, right, up\nsalt, pepper",
        "all: build\n\nbuild:\n\tgcc -o app main.c\n\nclean:\n\trm -f app",
    ],
)
def test_markup_and_records_that_are_whole_are_left(text: str) -> None:
    assert rejection(FILTER, text) is None
