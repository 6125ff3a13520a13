"""Tests what real answers repeat without a fault and 0.1 took for loops, by kind, and real loops
that it missed."""

from __future__ import annotations

import pytest

from bestofn.core.types import Request
from bestofn.filters.repetition.filter import RepetitionFilter
from tests.support.filter_checking import candidate, reason, rejection

FILTER = RepetitionFilter()
TOWNS = ("Lyon", "Porto", "Ghent", "Turin", "Graz", "Bern", "Riga", "Cork", "Brno", "Split")


@pytest.mark.parametrize(
    "text",
    [
        "| Town | Trains | Buses | State |\n|---|---|---|---|\n"
        + "\n".join(f"| {t} | on time | on time | open all day |" for t in TOWNS),
        "```sql\nCREATE TABLE towns (\n"
        + ",\n".join(f"  {t.lower()} VARCHAR(255) NOT NULL" for t in TOWNS)
        + "\n);\n```",
        "\n".join(f"2030-01-{i:02d} 08:00:00 INFO backup finished status=ok" for i in range(1, 20)),
        "env:\n" + "\n".join(f"- name: {t.upper()}\n  value: enabled" for t in TOWNS),
        "<ul>\n" + "\n".join(f'<li><a href="/{t}">{t}</a></li>' for t in TOWNS) + "\n</ul>",
        "\n".join(f'{{"town": "{t}", "unit": "km", "state": "open"}}' for t in TOWNS),
        "```python\nrow = [" + "'p', " * 8 + "]\n```",
        "$$a \\quad b \\quad c \\quad d \\quad e \\quad f \\quad g \\quad h$$",
        "The array is [" + "null, " * 15 + "null].",
        "\n".join(f"Our lady of {t}, pray for us." for t in TOWNS),
        # sections that are alike but for their headings
        "\n\n".join(
            f"**{t}**\n- 07:00 Arrival\n- 09:00 Market\n- 12:00 Lunch\n- 15:00 Museum"
            for t in TOWNS
        ),
        "\n\n".join(f"## {t}\n\nOpen all day and all night, free for all." for t in TOWNS),
        # filler text in markup
        "```html\n<p>" + "Here goes the text of your own page. " * 8 + "</p>\n```\nThen add it.",
        # rows of an array
        "```python\nboard = [\n" + "['p', 'p', 'p', 'p', 'p', 'p', 'p', 'p'],\n" * 8 + "]\n```",
        # terms of a formula
        "$$"
        + " + ".join(
            rf"\frac{{1}}{{3}}(\bra{{{i}}}\ket{{0{i}}}\bra{{0{i}}}\ket{{{i}}})" for i in range(16)
        )
        + "$$",
    ],
)
def test_like_entries_and_literals_are_data(text: str) -> None:
    assert rejection(FILTER, text) is None


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("Write 'Mind the step.' 15 times", "Mind the step.\n" * 15),
        ("Send me 60 hearts", "❤️" * 60),
        ("Repeat the word echo 40 times", "echo " * 40),
        ("Give an array of 20 equal rows", "[" + ", ".join(['{"a": "x", "b": "y"}'] * 20) + "]"),
    ],
)
def test_what_the_prompt_asked_to_repeat_is_kept(prompt: str, text: str) -> None:
    assert FILTER.check(Request.from_prompt(prompt), candidate(text)) is None
    assert FILTER.check(Request.from_prompt("Say something."), candidate(text)) is not None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The end of it is near." + "\n" * 40 + "Is it?", "whitespace_flood"),
        ("x = 1" + " " * 400 + "y = 2", "whitespace_flood"),
        ("\n".join(f"{i}. Holborn station" for i in range(1, 40)), "near_loop"),
        ("SELECT " + ", ".join(f"column{i}" for i in range(1, 90)), "near_loop"),
        (" ".join(("Anna", "Bert")[i * i % 7 % 2] + " and" for i in range(200)), "few_words"),
        ("आज मौसम बहुत अच्छा है और हम बाहर जाएंगे। " * 8, "exact_loop"),
    ],
)
def test_floods_and_counting_loops_are_found(text: str, expected: str) -> None:
    assert reason(FILTER, text) in (expected, "exact_loop")


def test_words_with_combining_marks_are_one_token() -> None:
    found = rejection(FILTER, "हिन्दी भाषा " * 30)
    assert found is not None
    assert found.detail.startswith("the 2 tokens ")


def test_the_arguments_of_a_tool_call_are_read() -> None:
    looping = '{"text": "' + "again and again and then " * 30 + '"}'
    call = [{"id": "1", "type": "function", "function": {"name": "f", "arguments": looping}}]
    assert rejection(FILTER, None, "tool_calls", tool_calls=call) is not None


def test_a_near_loop_of_few_copies_is_a_suspicion() -> None:
    text = " ".join(
        f"The old man in the {c} house is not at home today."
        for c in ("red", "green", "blue", "white", "black", "brown")
    )
    found = rejection(FILTER, text)
    assert found is not None
    assert not found.certain


@pytest.mark.parametrize(
    "text",
    [
        "```python\nx = first(\n" + "".join(f"(self, {t}: return self\n" for t in TOWNS) + "```",
        "* " + "".join(f"in {t}](https://town.example/map/west\n* " for t in TOWNS),
        "\n".join(f'He went to {t} and said "good' for t in TOWNS),
        "".join(f"《 {t} 说的那一条路还在那里很远" for t in TOWNS),
        "".join(f"| --- | --- | --size | town | station | {t} |\n" for t in TOWNS),
        "```sh\n" + "".join(f"`open the old gate of {t}\n" for t in TOWNS) + "```",
    ],
)
def test_half_an_entry_that_is_repeated_is_no_data(text: str) -> None:
    assert reason(FILTER, text) == "near_loop"


def test_entries_with_enumerators_and_inches_are_whole() -> None:
    for each in ("{n}) {t} has one old town hall", '{n}. {t} has pipes of 5" and pumps of 5 bar'):
        text = "\n".join(each.format(n=n, t=t) for n, t in enumerate(TOWNS, start=1))
        assert rejection(FILTER, text) is None


def test_a_key_that_an_object_says_again_and_again_is_no_data() -> None:
    again = '"town": "Lyon",\n  ' * 12
    assert (
        reason(FILTER, "So it is:\n\n```json\n{\n  " + again + '"size": 1\n}\n```') == "exact_loop"
    )
    rows = '{"town": "Lyon"},\n' * 8
    assert rejection(FILTER, f"```json\n[\n{rows}]\n```") is None


def test_a_litany_of_many_lines_is_no_data_any_more() -> None:
    few, many = (
        "\n".join(f"Our good {t} is a free old town" for t in towns)
        for towns in (TOWNS[:8], (*TOWNS, "Oslo", "Bonn", "Nice", "Leeds"))
    )
    assert rejection(FILTER, few) is None
    assert reason(FILTER, many) == "near_loop"


STUB = (
    'def area(town):\n    """\n    The area of a town, told by the length of its old wall.\n\n'
    "    It is a whole number of square metres, or nothing where no wall is left today.\n\n"
    "    Towns without any wall that was ever drawn on a map are not looked at, since the map\n"
    '    would have to be made first by those who live there.\n    """\n'
)


def test_a_stub_before_the_function_is_no_repetition() -> None:
    assert rejection(FILTER, STUB + STUB + "    return measure(town)\n") is None


def test_what_the_prompt_has_may_be_given_back_once() -> None:
    paragraphs = [
        "The road to the mill leads over an old bridge, behind which it turns to the left.",
        "Nobody knows who built it, and no map that is older than a hundred years shows it.",
        "In spring, when snow melts in the hills, its lowest stones stand in water for weeks.",
        "People of both villages meet there once a year, bring bread, sing, and count boats.",
    ]
    twice = "\n\n".join([*paragraphs, "In other words, once more:", *paragraphs])
    assert reason(FILTER, twice) == "duplicate_paragraphs"
    request = Request.from_prompt("Copy this twice:\n\n" + "\n\n".join(paragraphs))
    assert FILTER.check(request, candidate(twice)) is None


def test_entries_stand_once_each() -> None:
    words = {"k": "key", "r": "row", "b": "box"}
    loop = "".join(f"    store.append({words[w]}, value)\n" for w in "kbrkkbbrkrbkbrrkkbrb")
    entries = "".join(f"    store.append({town}, value)\n" for town in TOWNS * 2)
    assert reason(FILTER, f"```python\n{loop}```") == "near_loop"
    assert rejection(FILTER, f"```python\n{entries[: len(entries) // 2]}```") is None


@pytest.mark.parametrize(
    "text",
    [
        "He said that it doesn'" + "doesn'" * 16,
        "```python\ndef go(" + ")``python\ndef go(".join(t.lower() for t in TOWNS * 2),
        "".join(f"    store.append(, {t}, value)\n" for t in TOWNS),
        "```python\nlines = [\n"
        + '    "the first of all the words",\n    "for this one here and now",\n' * 8
        + "]\n```",
    ],
)
def test_pieces_and_long_values_are_no_literals(text: str) -> None:
    assert rejection(FILTER, text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "day = ["
        + ", ".join(['"Mon"', '"Tue"', '"Wed"', '"Thu"', '"Fri"', '"Sat"', '"Sun"'] * 5)
        + "]",
        "".join(f'{town} <- mean(df[, "{town}"], na.rm = TRUE)\n' for town in TOWNS[:8]),
        "".join(f"const [, set{town}] = useState(0);\n" for town in TOWNS[:8]),
        'lines = [\n    "a", "b",\n' + '    "\\x00\\xff\\u0800",\n' * 5 + "]",
    ],
)
def test_values_of_escapes_are_data(text: str) -> None:
    assert rejection(FILTER, text) is None


def test_addresses_of_one_site_are_no_duplicates() -> None:
    text = "\n".join(
        f"- [{t}](https://site.example/reports/of/all/the/towns/and/of/their/trains/and/buses/{t})"
        for t in TOWNS
    )
    shares = RepetitionFilter(near_copies=99, max_duplicate_ngrams=0.4)
    assert rejection(shares, text) is None
    assert reason(shares, text.replace("https://", "")) == "duplicate_ngrams"
