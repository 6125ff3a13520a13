"""Templates end: in time, and before they fill the memory; what they may do, they do as before."""

from __future__ import annotations

import time
from typing import Any

import jinja2
import pytest
from transformers.utils.chat_template_utils import render_jinja_template

from bestofn.rewards.text import sandbox
from bestofn.rewards.text.sandbox import (
    TEMPLATE_FAULTS,
    compiled,
    compiled_strictly,
    rendered,
)
from bestofn.rewards.text.template_limits import TemplateLimitError
from tests.support.rewards.classifier_replica import CHAT_TEMPLATE

MESSAGES = [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]
NESTED = "".join("{% for a in range(99999) %}" for _ in range(2)), "{% endfor %}{% endfor %}"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "SECONDS", 0.2)


@pytest.mark.parametrize(
    "template",
    [
        NESTED[0] + NESTED[1],
        NESTED[0] + "x" + NESTED[1],
        "{% set x %}" + NESTED[0] + "x" + NESTED[1] + "{% endset %}{{ x }}",
        "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}"
        "{{ f(80) }}",
        "{% macro f() %}{{ caller() }}{{ caller() }}{% endmacro %}"
        + "{% call f() %}" * 18
        + "{% for a in range(9999) %}{% endfor %}"
        + "{% endcall %}" * 18,
        "{% for a in [[[1]*9]*9]*9999 recursive %}{{ loop(messages * 9) }}{% endfor %}",
    ],
    ids=["silent", "loud", "inside-set", "macros", "callers", "recursive"],
)
def test_what_runs_for_ever_is_given_up(template: str) -> None:
    started = time.process_time()
    with pytest.raises(TEMPLATE_FAULTS):
        rendered(compiled(template), {"messages": MESSAGES})
    assert time.process_time() - started < 3


@pytest.mark.parametrize(
    "template",
    [
        "{{ 'a' * 10**10 }}",
        "{{ [1] * 10**10 }}",
        "{{ 10 ** (10 ** 10) }}",
        "{% set ns = namespace(x='aaaa') %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}"
        "{% endfor %}{{ ns.x }}",
        "{% set ns = namespace(x='aaaa') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}"
        "{% endfor %}{{ ns.x }}",
        "{{ 'a' | center(10**10) }}",
        "{{ 'a' | indent(10**10, true) }}",
        "{{ messages | tojson(indent=10**10) }}",
        "{{ [1] | batch(10**10, 0) | list }}",
        "{{ 'a'.ljust(10**10) }}",
        "{{ 'a'.zfill(width=10**10) }}",
        "{{ '%10000000000d' % 1 }}",
        "{{ '%*d' % (10**10, 1) }}",
        "{{ '%10000000000d' | format(1) }}",
        "{{ '{:10000000000}'.format(1) }}",
        "{{ '{:{}}'.format(1, 10**10) }}",
        "{{ ('a' * 10**6).replace('a', 'b' * 10**6) }}",
        "{{ ('a' * 10**6) | replace('a', 'b' * 10**6) }}",
        "{{ (['a' * 10**6] * 10**5) | join }}",
        "{{ ''.join(['a' * 10**6] * 10**5) }}",
        "{% for a in range(99) %}{{ 'a' * 10**6 }}{% endfor %}",
        "{{ lipsum(n=10**9) }}",
        "{{ range(10**10) | list }}",
    ],
)
def test_what_would_fill_the_memory_is_given_up(template: str) -> None:
    started = time.process_time()
    with pytest.raises(TEMPLATE_FAULTS):
        rendered(compiled(template), {"messages": MESSAGES})
    assert time.process_time() - started < 3


def test_a_text_within_the_bounds_may_follow_one_beyond_them() -> None:
    with pytest.raises(TemplateLimitError):
        rendered(compiled("{% for a in range(99) %}{{ 'a' * 10**6 }}{% endfor %}"), {})
    assert rendered(compiled("{{ 'a' * 3 }}"), {}) == "aaa"


ORDINARY = [
    CHAT_TEMPLATE,
    "{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}",
    "{% for m in messages %}{% if m.role == 'x' %}{% continue %}{% endif %}{{ m.content }}"
    "{% break %}{% endfor %}",
    "{{ messages | tojson }}{{ messages | tojson(indent=1) }}",
    "{{ '{}: {:>3}'.format('Human', 1) }}{{ '%s %3d' % ('a', 2) }}{{ '%s' | format('a') }}",
    "{{ 'a' ~ 1 ~ none }}{{ 'a' + 'b' }}{{ 2 ** 3 }}{{ 2 * 3.5 }}{{ [1] + [2] }}{{ 7 % 4 }}",
    "{{ ['a', 'b'] | join(', ') }}{{ messages | map(attribute='role') | join('-') }}",
    "{{ 'a\nb' | indent(2) }}{{ 'abc' | replace('b', 'x') }}{{ 'a'.replace('a', 'b') }}",
    "{% macro f(a, b=2) %}{{ a }}{{ b }}{{ varargs }}{% endmacro %}{{ f(1, 3, 4) }}",
    "{% set ns = namespace(i=0) %}{% for m in messages %}{% set ns.i = ns.i + 1 %}{{ loop.index }}"
    "{{ loop.last }}{{ loop.length }}{% else %}none{% endfor %}{{ ns.i }}",
    "{%- for m in messages -%}\n    {{- m.content }}\n{%- endfor %}\n",
    "{{ messages[0]['content'].split('Q')[-1].lstrip('\\n') | trim }}{{ foo }}",
    "{{ documents }}{{ tools }}{{ add_generation_prompt }}{{ messages[::-1] | length }}",
    "{{ dict(a=1) | tojson }}{{ range(3) | list }}{{ cycler('a').next() }}",
]


@pytest.mark.parametrize("template", ORDINARY)
def test_ordinary_templates_make_what_transformers_makes(template: str) -> None:
    made: Any = render_jinja_template([MESSAGES], chat_template=template, eos_token="<e>")
    expected = made[0][0]
    variables: dict[str, Any] = {
        "messages": MESSAGES,
        "tools": None,
        "documents": None,
        "add_generation_prompt": False,
        "eos_token": "<e>",
    }
    assert rendered(compiled(template), variables) == expected


@pytest.mark.parametrize(
    "template",
    [
        "{% for m in messages %}{{ m.content }",
        "{{ 'a' | no_such_filter }}",
        "{% for a in b %}" * 30 + "{% endfor %}" * 30,
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
        "x" * (sandbox.TEMPLATE_CHARACTERS + 1),
    ],
    ids=["brace", "filter", "loops", "brackets", "length"],
)
def test_what_is_no_template_is_said_when_it_is_compiled(template: str) -> None:
    for compile_ in (compiled, compiled_strictly):
        with pytest.raises(jinja2.TemplateError):
            compile_(template)


def test_a_strict_template_may_not_read_what_is_not_there() -> None:
    with pytest.raises(jinja2.UndefinedError):
        rendered(compiled_strictly("{{ foo }}"), {})
