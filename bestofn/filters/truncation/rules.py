"""The rules by which the truncation filter tells a cut text: one table, read from top to bottom.

Each rule says what it applies to, how good its evidence is, and shows one text that it takes and
one that it leaves. The first that holds decides. `precision` is the share of real outputs taken by
the rule that a person read as cut or broken (`python -m benchmarks.real_outputs FILE`): a rule is
certain from 98 % on, and a suspicion below.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bestofn.filters.truncation import code_rules, markup_rules, prose_rules
from bestofn.filters.truncation.reading import Form, Reading
from bestofn.support import json_answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One sign of a cut.

    Args:
        name: what it is switched off and counted by.
        reason: the rejection's reason.
        applies: the forms of text that it looks at.
        find: a sentence that says what is wrong, or None.
        certain: whether it throws a candidate out, or only makes it suspect.
        strong: whether it does so too where the engine itself vouches for the end.
        precision: (taken on real outputs, of those cut or broken), as read.
        takes: a text that it takes.
        leaves: a text like it that it leaves.
    """

    name: str
    reason: str
    applies: tuple[Form, ...]
    find: Callable[[Reading], str | None]
    certain: bool
    strong: bool = False
    precision: tuple[int, int] | None = None
    takes: str
    leaves: str


def _invalid_json(reading: Reading) -> str:
    return f"JSON was asked for, and it does not parse: {reading.json_error}"


def _open_reasoning(reading: Reading) -> str:
    return "its reasoning block was never closed"


def _open_fence(reading: Reading) -> str | None:
    body = reading.outline.last
    return None if json_answer.is_document(body) else "a code block was never closed"


def _whole_in_open_fence(reading: Reading) -> str:
    return "a code block was never closed, though what stands in it is whole"


RULES: tuple[Rule, ...] = (
    Rule(
        name="invalid_json",
        reason="invalid_json",
        applies=("json",),
        find=_invalid_json,
        certain=True,
        strong=True,
        takes='{"a": [1, 2',
        leaves='{"a": [1, 2]}',
    ),
    Rule(
        name="open_reasoning",
        reason="unclosed_think",
        applies=("thinking",),
        find=_open_reasoning,
        certain=True,
        strong=True,
        precision=(4, 4),
        takes="<think>First I add 2 and 2.",
        leaves="The tag that opens a block of thoughts is <think>.",
    ),
    Rule(
        name="open_fence",
        reason="unclosed_fence",
        applies=("fence",),
        find=_open_fence,
        certain=True,
        strong=True,
        precision=(16, 16),
        takes="Here it is:\n\n```python\ndef f(x):\n    return x",
        leaves="Here it is:\n\n```python\ndef f(x):\n    return x\n``` It returns its argument.",
    ),
    Rule(
        name="whole_in_open_fence",
        reason="unclosed_fence",
        applies=("fence",),
        find=_whole_in_open_fence,
        certain=False,
        takes='```json\n{"a": 1}',
        leaves='```json\n{"a": 1}\n```',
    ),
    Rule(
        name="open_docstring",
        reason="unclosed_bracket",
        applies=("code",),
        find=code_rules.open_docstring,
        certain=True,
        precision=(27, 27),
        takes='def f(x):\n    """Return the argument, which',
        leaves='def f(x):\n    """Return the argument."""',
    ),
    Rule(
        name="code_operator",
        reason="open_end",
        applies=("code",),
        find=code_rules.operator_at_end,
        certain=True,
        precision=(17, 17),
        takes="def f(x):\n    return x +",
        leaves="def f(x):\n    return x // 2",
    ),
    Rule(
        name="open_code",
        reason="unclosed_bracket",
        applies=("code",),
        find=code_rules.open_structure,
        certain=True,
        precision=(14, 14),
        takes="def f(x):\n    return g(x, [1, 2",
        leaves="def f(n, p):\n    return f(n // 2, p)",
    ),
    Rule(
        name="missing_block",
        reason="open_end",
        applies=("code",),
        find=code_rules.missing_block,
        certain=False,
        precision=(9, 8),
        takes="def f(x):\n    if x:\n        return 1\n    elif x",
        leaves="for i in x:\n    print(i)\n    # prints 1 2 3",
    ),
    Rule(
        name="open_tag",
        reason="unclosed_code",
        applies=("code", "prose"),
        find=markup_rules.open_tag,
        certain=False,
        takes="<ul>\n  <li>One</li>\n  <li cla",
        leaves="<ul>\n  <li>One</li>\n</ul>",
    ),
    Rule(
        name="open_element",
        reason="unclosed_code",
        applies=("code", "prose"),
        find=markup_rules.open_element,
        certain=False,
        takes="<note>\n  <to>Ann</to>\n  <body>Hi",
        leaves="<note>\n  <to>Ann</to>\n</note>",
    ),
    Rule(
        name="open_environment",
        reason="unclosed_code",
        applies=("code", "prose", "table"),
        find=markup_rules.open_environment,
        certain=False,
        takes="\\begin{align}\na &= b\n",
        leaves="\\begin{align}\na &= b\n\\end{align}",
    ),
    Rule(
        name="cut_row",
        reason="cut_row",
        applies=("table",),
        find=prose_rules.cut_row,
        certain=True,
        precision=(1, 1),
        takes="| a | b |\n|---|---|\n| 1 | 2 |\n| 3 |",
        leaves="| a | b |\n|---|---|\n| 1 | 2 |",
    ),
    Rule(
        name="cut_record",
        reason="cut_row",
        applies=("prose",),
        find=prose_rules.cut_record_of,
        certain=False,
        takes="a;b;1\nc;d;2\ne;f;3\ng;h",
        leaves="a;b;1\nc;d;2\ne;f;3\ng;h;4",
    ),
    Rule(
        name="bare_marker",
        reason="open_end",
        applies=("prose",),
        find=prose_rules.bare_marker,
        certain=False,
        takes="The steps are:\n1. Mix it.\n2. Bake it.\n3.",
        leaves="The sum is:\n\n42.",
    ),
    Rule(
        name="cut_label",
        reason="open_end",
        applies=("prose",),
        find=prose_rules.cut_label,
        certain=False,
        takes="Name: Ann\nAge: 7\n\nName: Bert\nAge",
        leaves="Name: Ann\nAge: 7\n\nName: Bert\nAge: 9",
    ),
    Rule(
        name="open_link",
        reason="unclosed_bracket",
        applies=("prose",),
        find=prose_rules.open_link,
        certain=False,
        takes="More is in [the manual](https://example.com/do",
        leaves="More is in [the manual](https://example.com/docs)",
    ),
    Rule(
        name="open_bracket",
        reason="unclosed_bracket",
        applies=("prose",),
        find=prose_rules.open_bracket_of,
        certain=False,
        takes="The list is [1, 2, 3",
        leaves="The half-open interval is [0, 2\\pi)",
    ),
    Rule(
        name="open_cjk_quote",
        reason="unclosed_quote",
        applies=("prose",),
        find=prose_rules.open_cjk_quote,
        certain=False,
        takes="她说「今天",
        leaves="她说「今天」",
    ),
    Rule(
        name="open_quotation",
        reason="unclosed_quote",
        applies=("prose",),
        find=prose_rules.open_quotation_of,
        certain=False,
        takes="Er sagte: „Das Haus ist",
        leaves="Er sagte: „Das Haus ist alt.“",
    ),
    Rule(
        name="open_span",
        reason="unclosed_code",
        applies=("prose",),
        find=prose_rules.open_span,
        certain=False,
        takes="Call the function `os.path.jo",
        leaves="Call the function `os.path.join`",
    ),
    Rule(
        name="straight_quote",
        reason="unclosed_quote",
        applies=("prose",),
        find=prose_rules.straight_quote,
        certain=False,
        takes='He said: "I will come to',
        leaves="He is 5'10\" tall",
    ),
    Rule(
        name="lone_character",
        reason="open_end",
        applies=("prose",),
        find=prose_rules.lone_chinese_character,
        certain=False,
        takes="It works on Linux.\n\n如",
        leaves="结论：\n\n对",
    ),
    Rule(
        name="open_end",
        reason="open_end",
        applies=("prose",),
        find=prose_rules.open_end_of,
        certain=False,
        takes="It is cheap and fast and",
        leaves="What is it made of",
    ),
    Rule(
        name="no_sentence_end",
        reason="no_sentence_end",
        applies=("prose",),
        find=prose_rules.no_sentence_end,
        certain=False,
        takes="It is fast. It is small. It also never",
        leaves="We compute 5 * 4 = 20. Then we add 1.\n\nAnswer: 21",
    ),
)
"""All of them, in the order in which they are asked."""

NAMES = frozenset(rule.name for rule in RULES)
"""What may stand in the filter's `without`."""
