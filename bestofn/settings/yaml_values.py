"""The values of a YAML text, the same whatever else a process has loaded.

values_of("best_of: 8\nmodel: ./m")     # {"best_of": 8, "model": "./m"}

PyYAML's loaders keep one table for all who use them, and libraries write into it:
lm-format-enforcer, which vLLM brings, takes dates out. No setting is a date, so here none is made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import yaml
from yaml.composer import ComposerError
from yaml.constructor import ConstructorError, SafeConstructor

from bestofn.support.error_text import first_line

MOST = 20_000
"""Values of a text, its aliases written out."""


class _Loader(yaml.SafeLoader):
    """YAML's own types but for dates, which stay texts; what a tag cannot make has a line."""

    yaml_constructors: ClassVar[dict[Any, Callable[..., Any]]] = {
        **SafeConstructor.yaml_constructors,
        "tag:yaml.org,2002:timestamp": SafeConstructor.construct_yaml_str,
    }

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError) as error:  # `!!int x`, `!!bool x`
            said = f"a value cannot be read: {first_line(error)}"
            raise ConstructorError(None, None, said, node.start_mark) from error


def values_of(text: str) -> Any:
    """What a YAML text says; None: nothing.

    Raises:
        yaml.YAMLError: it is no YAML, holds a value that is not what its tag says, or is too large
            (see `composed`).
    """
    composed(text)  # its aliases are cheap to compose, and not to write out
    return yaml.load(text, _Loader)


def composed(text: str) -> yaml.Node | None:
    """The tree of a YAML text, whose aliases make no more of it than `MOST` values; None: there is
    nothing in it.

    Raises:
        yaml.YAMLError: it is no YAML, nests too deeply, or its aliases have no end, or nearly none.
    """
    try:
        root: yaml.Node | None = yaml.compose(text, yaml.SafeLoader)
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
