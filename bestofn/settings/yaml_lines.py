"""The lines of a YAML file at which its keys and items stand, by their dotted paths.

lines = Lines.of("best_of: 8\nserver:\n  prot: 80\n")
lines.at("server.prot")      # 3
lines.at("server.port")      # 2: what is not there is looked for where it would stand
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

import yaml

from bestofn.settings.yaml_values import composed


@dataclass(frozen=True, slots=True)
class Lines:
    """Where each key of one file stands.

    Args:
        places: lines, from 1, by path; items of lists are numbered from 0.
        repeated: paths of keys that stand twice in a mapping, of which YAML takes the last.
    """

    places: Mapping[str, int]
    repeated: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Self:
        """Of a file's text.

        Raises:
            yaml.YAMLError: it is no YAML.
        """
        root = composed(text)
        found = [] if root is None else list(_walk(root, ""))
        places: dict[str, int] = {}
        repeated = []
        for path, line in found:
            if path in places:
                repeated.append(path)
            places[path] = line
        return cls(places, tuple(repeated))

    def at(self, path: str) -> int:
        """The line of `path`, or of the nearest above it that is there; 1 where there is none."""
        while path not in self.places and path:
            path = path.rpartition(".")[0]
        return self.places.get(path, 1)


def _walk(node: yaml.Node, path: str) -> Iterator[tuple[str, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else "?"
            inner = f"{path}.{name}" if path else str(name)
            yield inner, key.start_mark.line + 1
            yield from _walk(value, inner)
    elif isinstance(node, yaml.SequenceNode):
        for at, item in enumerate(node.value):
            yield f"{path}.{at}", item.start_mark.line + 1
            yield from _walk(item, f"{path}.{at}")
