"""Jinja's sandbox with bounds on processor time and on the size of what a template makes.

    template = compiled("{% for m in messages %}{{ m.content }}{% endfor %}")
    rendered(template, {"messages": messages})

The sandbox of Jinja, which chat templates are written for, keeps a template away from Python, and
lets it run for ever and fill the memory. Here every turn of a loop and every call of a macro looks
at the clock, and whatever multiplies a text (an operator, a filter, a method) is measured before it
is made. The filters, functions and tags are those of transformers, taken from its own environment.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Self

import jinja2
from jinja2 import nodes
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer
from transformers.utils.chat_template_utils import _compile_jinja_template

from bestofn.rewards.text.template_limits import (
    WIDE_FILTERS,
    TemplateLimitError,
    check_format,
    check_method,
    check_operation,
    check_size,
    measured_filter,
)

SECONDS = 2.0
"""Of the processor for one text, other threads' not counted. A ChatML template took 0.025 s for
1,000 messages on one of two busy cores."""

TEMPLATE_CHARACTERS = 1_000_000
"""Of a template."""


class _Meter(threading.local):
    """The processor time at which the text that this thread renders is given up."""

    ends = float("inf")


class _Ticks(NodeTransformer):
    """Puts a look at the clock into every loop and macro, and joins texts by a function."""

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802 - Jinja's name for it
        self.generic_visit(node)
        node.body.insert(0, _tick(node))
        return node

    def visit_Macro(self, node: nodes.Macro) -> nodes.Macro:  # noqa: N802
        self.generic_visit(node)
        node.body.insert(0, _tick(node))
        return node

    def visit_CallBlock(self, node: nodes.CallBlock) -> nodes.CallBlock:  # noqa: N802
        self.generic_visit(node)
        node.body.insert(0, _tick(node))
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Call:  # noqa: N802
        self.generic_visit(node)
        call = nodes.Call(nodes.EnvironmentAttribute("concatenated"), node.nodes, [], None, None)
        call.set_lineno(node.lineno)
        return call


def _tick(node: nodes.Node) -> nodes.Node:
    look = nodes.Call(nodes.EnvironmentAttribute("look_at_clock"), [], [], None, None)
    return nodes.ExprStmt(look).set_lineno(node.lineno)


class BoundedEnvironment(ImmutableSandboxedEnvironment):
    """The sandbox, bounded; see the module."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self, **options: Any) -> None:
        super().__init__(trim_blocks=True, lstrip_blocks=True, **options)
        self._meter = _Meter()
        self.globals.pop("lipsum", None)  # makes any amount of text

    def with_bounded_filters(self) -> Self:
        """Itself, with what the filters that widen, join or repeat would make measured before."""
        for name in WIDE_FILTERS:
            self.filters[name] = measured_filter(name, self.filters[name])
        return self

    def _generate(self, source: nodes.Template, *args: Any, **options: Any) -> str:
        _Ticks().visit(source)
        made: str = super()._generate(source, *args, **options)
        return made

    def look_at_clock(self) -> None:
        """Give the text up where its time is over.

        Raises:
            TemplateLimitError: it is.
        """
        if time.thread_time() > self._meter.ends:
            raise TemplateLimitError(f"it takes more than {SECONDS:g} s for one text")

    def concatenated(self, *parts: Any) -> str:
        """What `~` makes."""
        texts = [str(part) for part in parts]
        check_size(sum(map(len, texts)))
        return "".join(texts)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """What an operator makes, unless it is too large."""
        check_operation(operator, left, right)
        return super().call_binop(context, operator, left, right)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        """The sandbox's own `format` of a text, which first measures the widths in it."""
        apply = super().wrap_str_format(value)
        if apply is None:
            return None
        owner = str(value.__self__)

        def measured(*args: Any, **options: Any) -> str:
            check_format(owner)
            return apply(*args, **options)

        return measured

    def call(self, context: Context, obj: Any, *args: Any, **options: Any) -> Any:
        """What a call returns, unless a method of a text would make too much."""
        owner = getattr(obj, "__self__", None)
        if isinstance(owner, str):
            check_method(obj.__name__, owner, [*args, *options.values()])
        return super().call(context, obj, *args, **options)

    def rendered(self, template: jinja2.Template, variables: Mapping[str, Any]) -> str:
        """See the function of that name."""
        before = self._meter.ends
        self._meter.ends = time.thread_time() + SECONDS
        parts, size = [], 0
        try:
            for part in template.generate(variables):
                parts.append(part)
                size += len(part)
                check_size(size)
                self.look_at_clock()
        finally:
            self._meter.ends = before
        return "".join(parts)


@functools.lru_cache(maxsize=64)
def compiled(source: str) -> jinja2.Template:
    """A template in the environment of transformers' chat templates.

    Raises:
        jinja2.TemplateError: it is no Jinja, or too long.
    """
    return _compile(_chat_environment(), source)


def compiled_strictly(source: str) -> jinja2.Template:
    """A template in Jinja's own environment, where what is not there may not be read.

    Raises:
        jinja2.TemplateError: it is no Jinja, or too long.
    """
    environment = BoundedEnvironment(undefined=jinja2.StrictUndefined)
    return _compile(environment.with_bounded_filters(), source)


def rendered(template: jinja2.Template, variables: Mapping[str, Any]) -> str:
    """What a template makes of the variables.

    Args:
        template: of `compiled` or `compiled_strictly`.
        variables: by name.

    Raises:
        TemplateLimitError: it takes longer than `SECONDS`, or makes more than `CHARACTERS`.
        Exception: whatever else it raises, see `TEMPLATE_FAULTS`.
    """
    environment = template.environment
    assert isinstance(environment, BoundedEnvironment)
    return environment.rendered(template, variables)


TEMPLATE_FAULTS = (
    jinja2.TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What a template raises on messages that it was not written for."""


def _compile(environment: jinja2.Environment, source: str) -> jinja2.Template:
    if len(source) > TEMPLATE_CHARACTERS:
        raise TemplateLimitError(f"it has more than {TEMPLATE_CHARACTERS:,} characters")
    try:
        return environment.from_string(source)
    except (SyntaxError, RecursionError, MemoryError, ValueError) as error:  # Python's compiler
        raise jinja2.TemplateSyntaxError(f"it is nested too deep ({error})", 1) from error


@functools.cache
def _chat_environment() -> BoundedEnvironment:
    """With the tags, filters and functions that transformers gives chat templates."""
    theirs = _compile_jinja_template("").environment
    ours = BoundedEnvironment(extensions=[type(each) for each in theirs.extensions.values()])
    own = jinja2.Environment()
    ours.filters |= {k: v for k, v in theirs.filters.items() if own.filters.get(k) is not v}
    ours.globals |= {
        name: value
        for name, value in theirs.globals.items()
        if name not in own.globals and name not in ours.globals
    }
    return ours.with_bounded_filters()
