"""The setting that was meant by a name that there is not: beside it in its section, else anywhere.

nearest_setting(Settings, "server.prot")             "server.port"
nearest_setting(Settings, "generators.0.upstrem")    "upstream"
"""

from __future__ import annotations

import types
import typing
from collections.abc import Collection, Iterator
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel

from bestofn.support.error_text import Fault
from bestofn.support.nearest import nearest

ALMOST = 0.8
"""The least similarity of two whole paths, of which most letters may be those of the section."""


def hint(model: type[BaseModel], fault: Fault) -> str:
    """``; did you mean NAME?`` where the fault is a name that there is not; else ''."""
    near = nearest_setting(model, fault.path) if fault.kind == "extra_forbidden" else None
    return "" if near is None else f"; did you mean {near}?"


def nearest_setting(model: type[BaseModel], path: str, besides: Collection[str] = ()) -> str | None:
    """The setting that is spelt most like `path`; None: none is close.

    Args:
        model: whose settings they are.
        path: dotted; the items of a list by their numbers.
        besides: further names that there are at the top.

    Returns:
        Its dotted name; of a section that stands in a list or has a name of the user's, the
        option alone.
    """
    *section, name = path.split(".")
    static = ".".join(section)
    beside = {each: each for each in _options_at(model, section)}
    if static in {"", *names_of(model)}:
        beside = {each: ".".join(filter(None, (static, each))) for each in beside}
    known = [name for name in (*names_of(model), *besides) if not path.startswith(f"{name}.")]
    tails = {each.rpartition(".")[2]: each for each in reversed(known)}
    if (near := nearest(path, known, ALMOST)) is not None:
        return near
    if (near := nearest(name, beside)) is not None:
        return beside[near]
    near = nearest(name, tails)
    return None if near is None else tails[near]


def names_of(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """The dotted names of all settings, sections before what is in them."""
    for name, field in model.model_fields.items():
        yield f"{prefix}{name}"
        for section in _sections(field.annotation):
            yield from names_of(section, f"{prefix}{name}.")


def _options_at(model: type[BaseModel], path: Collection[str]) -> list[str]:
    """The options of the section that stands at `path`; none: there is no section."""
    here: list[Any] = [model]
    for part in path:
        here = [step for each in here for step in _step(each, part)]
    return [name for each in here for section in _sections(each) for name in section.model_fields]


def _step(annotation: Any, part: str) -> Iterator[Any]:
    """What stands at `part` of a value of this type."""
    for form in _forms(annotation):
        if _is_section(form) and part in form.model_fields:
            yield form.model_fields[part].annotation
        elif get_origin(form) in (list, dict, tuple):
            yield get_args(form)[-1]


def _sections(annotation: Any) -> list[type[BaseModel]]:
    return [form for form in _forms(annotation) if _is_section(form)]


def _forms(annotation: Any) -> Iterator[Any]:
    """The types that an annotation stands for, without what pydantic is told besides."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _forms(get_args(annotation)[0])
    elif origin in (typing.Union, types.UnionType):
        for each in get_args(annotation):
            yield from _forms(each)
    else:
        yield annotation


def _is_section(form: Any) -> bool:
    return isinstance(form, type) and issubclass(form, BaseModel)
