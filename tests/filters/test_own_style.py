"""Tests that a missing stop is judged by the style of the text: paragraphs, entries and lists."""

from __future__ import annotations

import pytest

from bestofn.filters.truncation.filter import TruncationFilter
from tests.support.filter_checking import reason, rejection

FILTER = TruncationFilter()


@pytest.mark.parametrize(
    "text",
    [
        # paragraphs that all leave out their last stop
        "It reads the file. Every line becomes a record of its own\n\n"
        "It writes the log. Faults are kept for a week",
        "该程序读取配置文件。每一行是一条记录\n\n它写入日志。错误会保留一周",
        # entries: a name and what it means, over lines
        "Draw the map.\n\nwidth -- how wide it is. In metres of the\n    real street\n"
        "height -- the height of the tallest house in the street",
        "The folders are these:\n\n/usr/share/doc/  (for the documents)\n\n/etc/tab 系统的文件表",
        # lists of names, as long as the others or not
        "The options are these:\n\nactive, anchor, bitmap, border,\ncursor\n\nheight, width",
        # the last item is the longest
        "Some tips:\n\n1. Keep a calendar.\n2. Sleep early.\n3. Open the window an hour before bed",
        "The keys are these:\n- `First`:\n- `Second`:\n- `Third`:",
        # imperatives and summaries without a subject
        "Check that the second thread waits while the first one is reading a page",
        "Try to call the second function and return a copy of what is there",
        # remarks, references to issues, code and files at the end
        "The town has two stations. The older one is on the hill (where the market is held)",
        "- Read the map twice. (#81)\n- Leave the lamp on. (#82)\n- Close the old door (#83)",
        "To copy a line, use this: for {set x 0} {$x<10} {incr x} { puts $x }",
        "1. Open the shell.\n2. Go to the folder.\n3. Run it with node build.js",
    ],
)
def test_a_text_that_leaves_out_stops_is_whole(text: str) -> None:
    assert rejection(FILTER, text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "It reads the file. Every line is a record.\n\nIt writes the log. Faults",
            "no_sentence_end",
        ),
        ("这个程序从文件读取数据。\n\n错误会写入系统的日志。\n\n请参", "no_sentence_end"),
        ("1. Keep an old calendar on the wall.\n2. Sleep early.\n3. Open the", "open_end"),
        (
            "1. Keep an old calendar on the wall.\n2. Sleep early.\n3. Open windows",
            "no_sentence_end",
        ),
        (
            "The road that leads to the mill and the house is rather long for them",
            "no_sentence_end",
        ),
        ("- Keep the old lamp in the hall.\n-", "open_end"),
        ("Rules:\n\t(1) Sit down.\n\t(2) Be quiet.\n\t(3)", "open_end"),
        ("IT IS SOLD AS IT STANDS, WITHOUT ANY PROMISE\nBY US, THE MAKERS, AND NOT", "open_end"),
        ("It is as it is.\n\n-- A friend of ours, in a long talk\n   commenting on", "open_end"),
        ('It is as it is.\n\n-- Anna Vogel, "', "open_end"),
        ("You must see that the computer", "open_end"),
        ("We do not like it, so we", "open_end"),
        ("A lamp that is new. Bring an empty", "open_end"),
        ("The old town is dominated by", "open_end"),
        ("In this house there is no", "open_end"),
        ("A word of warning: This", "open_end"),
        ("Find it at https://www.example", "open_end"),
    ],
)
def test_cuts_of_the_same_kinds_are_found(text: str, expected: str) -> None:
    assert reason(FILTER, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Is that the computer",
        "Nobody wants the same",
        "The menu is File » Print",
        "如果输出文件是“-”，则写入标准输出。",
        "The time is told by the property (see #Spinner:cycle-length).",
        "Copyright: everybody\nFiles: build/*\nLicence: free",
    ],
)
def test_ends_that_only_look_open_are_left(text: str) -> None:
    assert rejection(FILTER, text) is None


def test_a_quotation_in_chinese_text_is_open_until_it_closes() -> None:
    assert reason(FILTER, "他说“今天我们去") == "unclosed_quote"
    assert reason(FILTER, "他说“好”。") is None
