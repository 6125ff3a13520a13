"""Which names of the program a test sees, and which are Python's own whatever the program says.

A program that defines ``abs`` or ``all`` does not judge itself by it, and the program that was
asked for a function called ``sum`` is called all the same: the one builtin that a test calls with
nothing but literals, while it names nothing else of the program's.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import sys
from typing import Any

from .link import ANSWER, Link


def identifiers(tree: ast.Module) -> frozenset[str]:
    """All names that occur in a test."""
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return frozenset(found | {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)})


def exceptions(names: dict[str, Any]) -> dict[str, type[Exception]]:
    """Classes that stand for the program's own exceptions, each below Python's that is nearest."""
    made: dict[str, type[Exception]] = {}
    told = {name: each[1] for name, each in names.items() if each[0] == "exception"}
    while ready := [
        name
        for name, bases in told.items()
        if name not in made and not any(base in told and base not in made for base in bases)
    ]:
        for name in ready:
            bases = [made[base] if base in made else _builtin(base) for base in told[name]]
            base = next((each for each in bases if each is not None), Exception)
            made[name] = type(name, (base,), {"__module__": ANSWER})
    return made


def _builtin(name: str) -> type[Exception] | None:
    found = getattr(builtins, name, None)
    return found if isinstance(found, type) and issubclass(found, Exception) else None


def names_of(
    tree: ast.Module, names: dict[str, Any], classes: dict[str, type[Exception]], link: Link
) -> dict[str, Any]:
    """What a test sees of the program, by name.

    Args:
        tree: the test.
        names: what the program says of each name that it has.
        classes: of `exceptions`.
        link: to the program.
    """
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} & names.keys()
    own = {name for name in used if not hasattr(builtins, name)}
    if not {name for name in own if names[name][0] == "value"}:
        asked = {name for name in used - own if _only_literals(tree, name)}
        own |= asked if len(asked) == 1 else set()
    found: dict[str, Any] = {}
    for name in sorted(own):
        kind, *told = names[name]
        if _is_module(tree, name):
            found[name] = importlib.import_module(name)
        elif kind == "module":
            if told[0].partition(".")[0] in sys.stdlib_module_names:
                found[name] = importlib.import_module(told[0])
        elif kind == "from":
            if told[0].partition(".")[0] in sys.stdlib_module_names:
                found[name] = getattr(importlib.import_module(told[0]), told[1])
        elif name in classes:
            found[name] = classes[name]
        else:
            found[name] = link.ask("name", name)
    return found


def _only_literals(tree: ast.Module, name: str) -> bool:
    """Whether a name is only called, and with literals."""
    called: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            try:
                for value in (*node.args, *(each.value for each in node.keywords)):
                    ast.literal_eval(value)
            except ValueError:
                return False
            called.add(id(node.func))
    return all(
        id(node) in called
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id == name
    )


def _is_module(tree: ast.Module, name: str) -> bool:
    """Whether a test looks into a module of the standard library by that name."""
    if name not in sys.stdlib_module_names:
        return False
    wanted = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == name
    }
    module = importlib.import_module(name)
    return bool(wanted) and all(hasattr(module, attribute) for attribute in wanted)
