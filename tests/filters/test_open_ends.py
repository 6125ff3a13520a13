"""Tests that the truncation filter sees a last mark, word or marker that announces more."""

from __future__ import annotations

import pytest

from bestofn.filters.truncation.filter import TruncationFilter
from tests.support.filter_checking import reason, rejection

FILTER = TruncationFilter()


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("一种常见的空气污染源是汽车排放的二氧化硫、", "、"),
        ("We need flour, sugar,", ","),
        ("主要原因有以下几点：", "："),
        ("The reasons are as follows:", ":"),
        ("It is cheap and fast and", "and"),
        ("The main reason for this is the", "the"),
        ("污染物有很多，例如", "例如"),
        ("他喜欢苹果和", "和"),
        ("This holds for many animals, e.g.", "e.g."),
    ],
)
def test_open_ends(text: str, end: str) -> None:
    found = rejection(FILTER, text)
    assert found is not None
    assert found.reason == "open_end"
    assert repr(end) in found.detail


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("Set the anchor to", "to"),
        ("Life is full of", "of"),
        ("Passwords are", "are"),
        ("The files are to be", "be"),
        ("Decorator to turn an", "an"),
        ("A function that", "that"),
        ("It cannot be done in", "in"),
        ("I think that we've", "we've"),
        ("Set the input stream's", "stream's"),
        ("Retrieve the header of the message '", "'"),
        ("Adjust it to the window-", "window-"),
        ("THE SOFTWARE IS NOT LIMITED TO", "TO"),
        ("See the manual at <https://docs", "<https://docs"),
        ("The old house, as everyone in the village said, was\nin", "in"),
        ("To be or not to be.\n\n-- A play of", "of"),
        ("这个工具不能从", "从"),
        ("配置文件中的每个", "每个"),
        ("这个系统的用户必须", "必须"),
        ("这本书是他们的一", "的一"),
        ("队列长度设置端口监听队列的", "列的"),
    ],
)
def test_last_words_that_announce_more(text: str, end: str) -> None:
    found = rejection(FILTER, text)
    assert found is not None
    assert found.reason == "open_end"
    assert repr(end) in found.detail


@pytest.mark.parametrize(
    "text",
    [
        "A",
        "I would like to",
        "What it is made of",
        "What's this for",
        "Someone to talk to",
        "The one I was looking for",
        "That's the song we danced to",
        "He is the one I told you about",
        "Not that I know of",
        "Worth fighting for",
        "Kind of",
        "It could be",
        "For the time being",
        "Yes, they are",
        "I can do that",
        "I'm sorry, but I can't do that",
        "The letter a",
        "Turn it on",
        "Please come in",
        "As time goes by",
        "At the doctor's",
        "Rock 'n' roll",
        "Keep on rockin'",
        "Blood type O-",
        "An OR gate",
        "To be or not to be.\n\n-- William Shakespeare",
        "以及",
        "自由",
        "而已",
        "很",
        "好得很",
        "他不在",
        "他们都",
        "我必须",
        "红色的",
        "都可以",
        "只有一个",
        "三分之一",
    ],
)
def test_last_words_that_are_complete(text: str) -> None:
    assert rejection(FILTER, text) is None


def test_list_that_ends_in_a_bare_marker() -> None:
    assert reason(FILTER, "The steps are:\n1. Mix it.\n2. Bake it.\n3.") == "open_end"
    assert reason(FILTER, "3.") is None
    assert reason(FILTER, "The sum is:\n\n42.") is None


def test_last_paragraphs_that_have_only_begun() -> None:
    assert reason(FILTER, "It works on Linux.\n\n如") == "open_end"
    assert reason(FILTER, "结论：\n\n对") is None
    assert reason(FILTER, "优点：\n- 便宜\n- 快\n缺点：\n- 小") is None
    assert reason(FILTER, "The options are these.\n\n-") == "open_end"
