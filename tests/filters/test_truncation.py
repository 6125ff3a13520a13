"""Tests that the truncation filter tells cut answers from complete ones."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bestofn.filters.truncation import TruncationFilter
from bestofn.types import Request
from tests.filters.checking import candidate, reason, rejection

FILTER = TruncationFilter()
JSON_OBJECT = Request.from_prompt("x", options={"response_format": {"type": "json_object"}})


@pytest.mark.parametrize(
    ("finish_reason", "expected", "words"),
    [
        ("length", "length", "reached the limit on its tokens"),
        ("abort", "aborted", "stopped from outside"),
        ("repetition", "loop_stopped", "in a loop"),
        ("content_filter", "content_filter", "content filter cut it"),
    ],
)
def test_finish_reason_says_it_outright(finish_reason: str, expected: str, words: str) -> None:
    found = rejection(FILTER, "This is a complete sentence.", finish_reason)
    assert found is not None
    assert (found.filter, found.reason) == ("truncation", expected)
    assert words in found.detail


def test_finish_reason_counts_for_empty_text_and_tool_calls_too() -> None:
    assert reason(FILTER, "", "length") == "length"
    cut = candidate(None, "length", tool_calls=[{"id": "1"}])
    assert (FILTER.check(Request.from_prompt("x"), cut) or cut).reason == "length"  # type: ignore[union-attr]


@pytest.mark.parametrize("finish_reason", [None, "error", "something new"])
def test_text_of_what_never_ended_is_not_judged(finish_reason: str | None) -> None:
    assert reason(FILTER, "The three main causes are, first, the", finish_reason) is None


def test_sentence_ends_can_be_switched_off() -> None:
    judge = TruncationFilter(sentence_end=False)
    assert reason(judge, "It is fast. It is small. It never") is None
    assert reason(judge, "It is fast. It is small. It has (") == "unclosed_bracket"


def test_structure_can_be_switched_off() -> None:
    judge = TruncationFilter(structure=False)
    assert reason(judge, "and then the") is None
    assert reason(judge, "and then the", "length") == "length"


@pytest.mark.parametrize("fence", ["```", "~~~", "````"])
def test_open_fence(fence: str) -> None:
    body = f"Here is the function.\n\n{fence}python\ndef f(x):\n    return x\n"
    assert reason(FILTER, body) == "unclosed_fence"
    assert reason(FILTER, body + fence) is None
    assert reason(FILTER, body + fence + "\n\nIt returns its argument.") is None


def test_fences_within_fences() -> None:
    inner = "```markdown\nSome text.\n```python\nx = 1\n```\n"
    assert reason(FILTER, inner) == "unclosed_fence"
    assert reason(FILTER, inner + "```") is None
    assert reason(FILTER, "~~~\n```\nx\n~~~") is None


def test_open_think() -> None:
    assert reason(FILTER, "<think>First I add 2 and 2. That is 4.") == "unclosed_think"
    assert reason(FILTER, "<think>First I add 2 and 2.</think>\n\nIt is 4.") is None
    assert reason(FILTER, "I had to add.</think>\n\nIt is 4.") is None


@pytest.mark.parametrize(
    ("text", "expected", "mark"),
    [
        ("He went to the store (the big one", "unclosed_bracket", "("),
        ("The list is [1, 2, 3", "unclosed_bracket", "["),
        ("主要成分（例如二氧化硫和氮氧化物", "unclosed_bracket", "（"),
        ("推荐阅读《红楼", "unclosed_bracket", "《"),
        ("注意【重要", "unclosed_bracket", "【"),
        ("老师说：“明天我们", "unclosed_quote", "“"),
        ("她说「今天", "unclosed_quote", "「"),
        ("老师说：“明天我们去公园。", "unclosed_quote", "“"),
        ('He said: "I will come to', "unclosed_quote", '"'),
        ("More is in [the manual](https://example.com/do", "unclosed_bracket", "link"),
        ("Call the function `os.path.jo", "unclosed_code", "code"),
        ("The result is $$x = \\frac{1}{2", "unclosed_bracket", "{"),
        ("The result is \\(x = 5", "unclosed_code", "formula"),
    ],
)
def test_open_brackets_quotes_and_spans(text: str, expected: str, mark: str) -> None:
    found = rejection(FILTER, text)
    assert found is not None
    assert found.reason == expected
    assert mark in found.detail


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


def test_list_that_ends_in_a_bare_marker() -> None:
    assert reason(FILTER, "The steps are:\n1. Mix it.\n2. Bake it.\n3.") == "open_end"
    assert reason(FILTER, "3.") is None
    assert reason(FILTER, "The sum is:\n\n42.") is None


def test_cut_table_rows() -> None:
    head = "| name | size |\n|------|------|\n| a | 1 |\n"
    assert reason(FILTER, head + "| b | 2 |") is None
    assert reason(FILTER, head + "| b | 2") == "cut_row"
    assert reason(FILTER, head + "| b |") == "cut_row"
    assert reason(FILTER, head + "|") == "cut_row"


@pytest.mark.parametrize(
    "text",
    [
        "It is fast. It is small. It also never",
        "它很快。它很小。它也从来",
        "First we heat the water. Then we add the leaves.\n\nAfter three minutes we take them",
        "1. Heat the water slowly.\n2. Add the leaves.\n3. Take them",
        "春眠不觉晓，\n处处闻啼鸟。\n夜来风雨声，\n花落知",
        "一般来说，这种方法的优点是速度快",
        "The committee that was elected in the spring of that year had already decided to sell",
        "The house was built in the last years of the\ncentury and later given to a young",
    ],
)
def test_last_sentence_without_an_end(text: str) -> None:
    found = rejection(FILTER, text)
    assert found is not None
    assert found.reason == "no_sentence_end"
    assert text[-3:] in found.detail


@pytest.mark.parametrize(
    "text",
    [
        "17 + 25 = 42.",
        "答案是 42。",
        "42",
        "3.",
        "Paris",
        "北京",
        "yes",
        "好的",
        "没关系，不用谢",
        "The capital of France is Paris",
        "Yes, it is",
        "I don't know what it is",
        "We compute 5 * 4 = 20. Then we add 1.\n\nAnswer: 21",
        "We compute 5 * 4 = 20. Then we add 1. The answer is 21",
        "We compute 5 * 4 = 20.\n\n#### 20",
        "So the result is:\n\n$$x = 5$$",
        "The answer is $\\boxed{42}$",
        "The interval is [0, 1)",
        "E = mc^2",
        "Let x be 3. Then 2x = 6",
        "因此，x = 3",
        "故选：B",
        "1. Apple\n2. Banana\n3. Cherry",
        "Here are three fruits:\n- Apple\n- Banana\n- Cherry",
        "主要有以下几点：\n1. 价格低\n2. 质量好\n3. 服务优",
        "苹果、香蕉和樱桃",
        "Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday",
        "Use this:\n\n```python\nx = [1, 2\n```",
        "def f(x):\n    return x + 1",
        "SELECT name FROM users WHERE id = 3;",
        '{"a": 1, "b": [1, 2]}',
        "Hello! How can I help you today? 😊",
        "That's it. Ask me if you have questions :)",
        "See the docs. They are at https://example.com/docs",
        "It works. (See the appendix for details)",
        "He said “Hello.”",
        "他说：“你好。”",
        "He is 5'10\" tall",
        "Use it to (1) read, 2) write, and a) delete.",
        "Roses are red\nViolets are blue\nSugar is sweet\nAnd so are you",
        "床前明月光\n疑是地上霜\n举头望明月\n低头思故乡",
        "Dear Anna,\n\nthank you for your letter. It made me happy.\n\nBest regards,\nJohn Smith",
        "There was a fox. He was clever.\n\nThe End",
        "从前有一只狐狸。它很聪明。\n\n（完）",
        "We have shown the claim. ∎",
        "He never came back.\n\n-- An old song",
        "That is all.\n\n---",
        "नमस्ते।",
        "مرحبا، كيف حالك؟",
        "これはペンです。",
        "กรุงเทพมหานครเป็นเมืองหลวงของประเทศไทย และเป็นเมืองที่มีประชากรมากที่สุด มีแม่น้ำเจ้าพระยาไหลผ่าน",
        "नई दिल्ली भारत की राजधानी है",
        "Ich rufe dich morgen an",
        "Name: John\nAge: 30\nCity: Paris",
        "| a | b |\n|---|---|\n| 1 | 2 |",
    ],
)
def test_complete_answers_are_kept(text: str) -> None:
    assert rejection(FILTER, text) is None


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("def f(x):\n    return g(x, [1, 2", "unclosed_bracket"),
        ('def f(x):\n    """Return the argument, which', "unclosed_bracket"),
        ("import os\n\nfor name in os.listdir():", "open_end"),
        ("import os\n\nprint('a (b', \"c [\")  # and (so on", None),
        ('{\n  "a": [1, 2],\n  "b": {"c"', "unclosed_bracket"),
        ('def f(self):\n    return "an open', "unclosed_bracket"),
        ("def f(self):\n    x = 1  # it's fine\n    return x", None),
        ("def f(self):\n    # The result is", "open_end"),
        ("for i in x:\n    print(i)\n    # prints 1 2 3", None),
        ("def f(self, x)", "open_end"),
        ("def f(x):\n    return [y for y in x\n        if y in (1, 2)]", None),
    ],
)
def test_program_text_without_a_fence(code: str, expected: str | None) -> None:
    assert reason(FILTER, code) == expected


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("Set the anchor to", "to"),
        ("Life is full of", "of"),
        ("Passwords are", "are"),
        ("Decorator to turn an", "an"),
        ("Create a new", "new"),
        ("Return an instance for the named", "named"),
        ("A function that takes", "takes"),
        ("It cannot be done in", "in"),
        ("I think that we've", "we've"),
        ("Adjust it to the window-", "window-"),
        ("THE SOFTWARE IS NOT LIMITED TO", "TO"),
        ("See the manual at <https://docs", "<https://docs"),
        ("这个工具不能从", "从"),
        ("配置文件中的每个", "每个"),
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
        "I would like to",
        "What it is made of",
        "Someone to talk to",
        "The one I was looking for",
        "Not that I know of",
        "Yes, they are",
        "The letter a",
        "Turn it on",
        "What it takes",
        "Blood type O-",
        "An OR gate",
        "自由",
        "而已",
        "他不在",
        "红色的",
        "都可以",
        "只有一个",
    ],
)
def test_last_words_that_are_complete(text: str) -> None:
    assert rejection(FILTER, text) is None


@pytest.mark.parametrize(
    "text",
    [
        "If I could drop dead",
        "When a camel flies over the",
        "In less than a century, computers",
        "What is research but a blind date with",
        "Programmers in batch environments may find it hard",
        "This program is free software; you",
        "如果您没有指定",
        "你能够通过下面的方式登录系统",
        "闲烹山茗听瓶声，炉",
        "《渔翁》\n作者：柳宗元\n渔翁夜傍",
        "## Keys\n\nSet the key to the value",
    ],
)
def test_sentences_that_stop_short(text: str) -> None:
    assert reason(FILTER, text) in ("no_sentence_end", "open_end")


def test_sentences_that_stop_short_have_their_reason() -> None:
    assert reason(FILTER, "If I could drop dead") == "no_sentence_end"
    assert reason(FILTER, "《渔翁》\n作者：柳宗元\n渔翁夜傍") == "no_sentence_end"


@pytest.mark.parametrize(
    "text",
    [
        "If I Had a Hammer",
        "As soon as possible",
        "Once upon a time",
        "In Paris, France",
        "The first president of the United States was George Washington",
        "Machine learning is a branch of artificial intelligence",
        "Preheat the oven to 350°F",
        "你好，很高兴认识你",
        "太阳系中最大的行星是木星",
        "关于进一步加强安全生产工作的通知",
        "无论如何",
        "《红楼梦》\n作者：曹雪芹\n朝代：清",
        "《静夜思》\n作者：李白\n床前明月光，疑是地上霜。",
        "perl - a language that is made for extracting text",
        "## Answer\n\nThe capital of France is Paris",
    ],
)
def test_titles_and_short_answers_are_no_cut_sentences(text: str) -> None:
    assert rejection(FILTER, text) is None


def test_last_paragraphs_and_rows_that_have_only_begun() -> None:
    assert reason(FILTER, "It works on Linux.\n\n如") == "open_end"
    assert reason(FILTER, "结论：\n\n对") is None
    assert reason(FILTER, "The options are these.\n\n-") == "open_end"
    assert reason(FILTER, "The signals are these.\n\n| name | val") == "cut_row"
    assert reason(FILTER, "The absolute value of x is this:\n\n|x|") is None
    assert reason(FILTER, "To be or not to be.\n\n-- A play by") == "open_end"
    assert reason(FILTER, "To be or not to be.\n\n-- William Shakespeare") is None
    assert reason(FILTER, "It can do more (see Section 1.4.") == "unclosed_bracket"


def test_sessions_of_an_interpreter() -> None:
    assert reason(FILTER, ">>> x = 1\n>>> print(x") == "unclosed_bracket"
    assert reason(FILTER, ">>> x = 1\n>>> print(x)") is None
    assert reason(FILTER, ">>> print('(')\n(") is None


@pytest.mark.parametrize("kind", ["json_object", "json_schema"])
def test_json_that_was_asked_for(kind: str) -> None:
    request = Request.from_prompt("x", options={"response_format": {"type": kind}})
    found = FILTER.check(request, candidate('{"a": [1, 2'))
    assert found is not None
    assert found.reason == "invalid_json"
    assert "does not parse" in found.detail
    assert FILTER.check(request, candidate('{"a": [1, 2]}')) is None
    assert FILTER.check(request, candidate('```json\n{"a": [1, 2]}\n```')) is None
    nested = FILTER.check(request, candidate("[" * 100_000))
    assert nested is not None
    assert nested.reason == "invalid_json"


def test_text_that_was_not_asked_for_as_json_is_judged_as_text() -> None:
    request = Request.from_prompt("x", options={"response_format": {"type": "text"}})
    assert FILTER.check(request, candidate("It is fine.")) is None


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"stop": ["\n\n"]}, None),
        ({"stop": "."}, None),
        ({"stop": ["</s>", "<|im_end|>"]}, "open_end"),
        ({"stop": []}, "open_end"),
        ({"stop": 5}, None),
        ({"structured_outputs": {"choice": ["a"]}}, None),
        ({"temperature_decay": 1}, "open_end"),
    ],
)
def test_ends_that_the_request_imposes_are_not_judged(
    options: dict[str, Any], expected: str | None
) -> None:
    found = FILTER.check(Request.from_prompt("x", options=options), candidate("It is cold and the"))
    assert (found.reason if found else None) == expected


def test_tool_calls_are_not_judged_by_their_text() -> None:
    call = [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{"}}]
    assert rejection(FILTER, None, "tool_calls", tool_calls=call) is None
    assert rejection(FILTER, "Let me look:", "tool_calls", tool_calls=call) is None
    assert rejection(FILTER, "Let me look:", "stop", function_call=call[0]) is None


@given(st.text(max_size=400))
@settings(max_examples=300, deadline=None)
def test_check_never_raises(text: str) -> None:
    found = rejection(FILTER, text)
    assert found is None or (found.filter == "truncation" and found.detail)
    asked = FILTER.check(JSON_OBJECT, candidate(text))
    assert asked is None or asked.reason == "invalid_json"


@given(st.text(alphabet="ab (）“「`*_#|-.。,、\n\t$[<>\"'\\1:;=", max_size=200))
@settings(max_examples=300, deadline=None)
def test_check_never_raises_on_markup(text: str) -> None:
    found = rejection(FILTER, text)
    assert found is None or found.detail


@given(st.text(alphabet="abc 。，“”（）.,()`\n", max_size=80))
@settings(max_examples=200, deadline=None)
def test_a_full_stop_on_a_line_of_its_own_paragraph_completes_any_prose(text: str) -> None:
    plain = text.replace("`", "")
    assert reason(FILTER, f"{plain}\n\nThis is the last sentence.") is None


LONG = 200_000


@pytest.mark.parametrize(
    "text",
    [
        "a" * LONG,
        "x" + " " * LONG + "y",
        "(" * (LONG // 2) + "]" * (LONG // 2),
        "`" * LONG,
        "\\`" * (LONG // 2),
        "@." * (LONG // 2),
        "x=" * (LONG // 2) + "\ny=",
        "- " * (LONG // 2) + "x",
        "**a" * (LONG // 3),
        "." + " " * LONG + "x",
        "。”" * (LONG // 2) + "x",
        "[1])" * (LONG // 4),
        "1:" * (LONG // 2) + "a",
        "```a\n" * (LONG // 5),
        "ab c\n" * (LONG // 5),
    ],
    ids=range(15),
)
def test_long_hostile_text_completes(text: str) -> None:
    """Each of these takes minutes where a pattern is quadratic; the suite's timeout ends it."""
    found = rejection(FILTER, text)
    assert found is None or found.detail
