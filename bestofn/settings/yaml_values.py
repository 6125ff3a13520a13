"""The values of a YAML text, the same whatever else a process has loaded.

values_of("best_of: 8\nmodel: ./m")     # {"best_of": 8, "model": "./m"}

PyYAML's loaders keep tables for all who use them, and libraries write into these:
lm-format-enforcer, which vLLM brings, takes dates out. So settings have tables of their own. No
setting is a date, and so none is made.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, ClassVar, Never

import yaml
from yaml.composer import ComposerError
from yaml.constructor import ConstructorError, SafeConstructor
from yaml.resolver import Resolver

from bestofn.support.error_text import shortened

MOST = 20_000
"""Values of a text, its aliases written out."""

_TAG = "tag:yaml.org,2002:"


class _Loader(yaml.SafeLoader):
    """YAML's own types but for dates, which stay texts; every key is a text."""

    yaml_constructors: ClassVar[dict[Any, Callable[..., Any]]] = {
        **SafeConstructor.yaml_constructors,
        f"{_TAG}timestamp": SafeConstructor.construct_yaml_str,
    }

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError, ArithmeticError, AttributeError) as error:
            _refuse(node, f"{shortened(str(node.value), 64)!r} is no !!{_kind(node)}", error)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        self.flatten_mapping(node)
        for key, _ in node.value:
            if key.tag != f"{_TAG}str":
                _refuse(key, "a key is no text")
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: list(forms) for first, forms in Resolver.yaml_implicit_resolvers.items()
}


def _kind(node: yaml.Node) -> str:
    return str(node.tag).removeprefix(_TAG)


def _refuse(node: yaml.Node, what: str, error: Exception | None = None) -> Never:
    raise ConstructorError(None, None, what, node.start_mark) from error


def values_of(text: str) -> Any:
    """What a YAML text says; None: nothing.

    Raises:
        yaml.YAMLError: it is no YAML, holds a value that is not what its tag says or a key that is
            no text, or is too large (see `composed`).
    """
    composed(text)  # what its aliases would make of it is counted before it is made
    return yaml.load(text, _Loader)


def written(text: str) -> Any:
    """What a flag or a variable says, in JSON or in YAML.

    Raises:
        yaml.YAMLError: it is neither.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return values_of(text)


def problem_of(error: yaml.YAMLError) -> tuple[int | None, str]:
    """(the line, from 1, of what is wrong with a YAML text, and what it is); None: of all of it."""
    mark = getattr(error, "problem_mark", None)
    if not isinstance(error, yaml.MarkedYAMLError) or not error.problem:
        return None, " ".join(str(error).split())
    said = error.problem
    if error.context and said.startswith("but "):  # "expected a single document", "but found"
        said = f"{error.context}, {said}"
    return None if mark is None else mark.line + 1, said


def told(error: yaml.YAMLError) -> str:
    """The same in one line."""
    line, said = problem_of(error)
    return said if line is None else f"{said} (line {line})"


def composed(text: str) -> yaml.Node | None:
    """The tree of a YAML text, whose aliases make no more of it than `MOST` values; None: there is
    nothing in it.

    Raises:
        yaml.YAMLError: it is no YAML, nests too deeply, or its aliases have no end, or nearly none.
    """
    try:
        root: yaml.Node | None = yaml.compose(text, _Loader)
        if root is not None:
            _values(root, {}, set())
    except RecursionError:
        raise yaml.YAMLError("it nests too deeply") from None
    return root


def _values(node: yaml.Node, known: dict[int, int], above: set[int]) -> int:
    """How many values a node holds, aliases written out."""
    if id(node) in above:
        raise ComposerError(None, None, "an alias stands within what it names", node.start_mark)
    if id(node) not in known:
        above.add(id(node))
        parts = node.value if isinstance(node, yaml.CollectionNode) else ()
        inner = (each for part in parts for each in (part if isinstance(part, tuple) else (part,)))
        known[id(node)] = 1 + sum(_values(each, known, above) for each in inner)
        above.discard(id(node))
        if known[id(node)] > MOST:
            said = f"written out, its aliases make more than {MOST:,} values of it"
            raise ComposerError(None, None, said, node.start_mark)
    return known[id(node)]
