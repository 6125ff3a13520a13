"""Every setting by its dotted name, with type, default and description: what `bestofn config init`
writes and the reference page shows, read from the sections themselves.

    for setting in all_settings():
        print(setting.name, setting.type, setting.default, setting.description)
"""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from bestofn.settings.settings import Settings

SECTIONS: Mapping[str, str] = {
    "reward": "how local reward models are read and run",
    "stop": "when sampling ends before best_of candidates are there",
    "policy": "what happens when no candidate is acceptable",
    "server": "how `bestofn serve` listens, whom it lets in, and how much it takes on",
    "server.connections": "what a connection may do before it is known who it is",
    "server.key_limits": "what one API key may use",
}
"""Sections that are written out option by option."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting.

    Args:
        name: dotted.
        type: in words.
        default: as JSON; '' where it has to be given.
        description: what it is for.
    """

    name: str
    type: str
    default: str
    description: str


def all_settings() -> Iterator[Setting]:
    """Every setting, in the order of the sections."""
    yield from _of(Settings, "")


def _of(model: type[BaseModel], prefix: str) -> Iterator[Setting]:
    for name, field in model.model_fields.items():
        path = f"{prefix}{name}"
        if path in SECTIONS:
            section = _section(field)
            yield from _of(section, f"{path}.")
        else:
            yield Setting(path, _words(field), _default(field), field.description or "")


def _section(field: FieldInfo) -> type[BaseModel]:
    assert isinstance(field.annotation, type)
    return typing.cast(type[BaseModel], field.annotation)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return ""
    return json.dumps(_plain(field.get_default(call_default_factory=True)), ensure_ascii=False)


def _plain(value: Any) -> Any:
    """A default as it is written in a file: what is only a name is the name."""
    if isinstance(value, BaseModel):
        name = getattr(value, "name", None)
        if name is not None and not value.model_fields_set - {"name"}:
            return name
        return {name: _plain(getattr(value, name)) for name in value.model_fields_set}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    return str(value) if isinstance(value, Path) else value


def _words(field: FieldInfo) -> str:
    said = _type(field.annotation)
    bounds = [
        f"{word} {value:g}" if isinstance(value, float) else f"{word} {value}"
        for name, word in (("ge", "from"), ("gt", "above"), ("le", "to"), ("lt", "below"))
        for each in field.metadata
        if (value := getattr(each, name, None)) is not None
    ]
    return " ".join([said, *bounds])


_NAMES: Mapping[Any, str] = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    Path: "path",
    SecretStr: "text, secret",
    type(None): "null",
}


def _type(annotation: Any) -> str:
    """A type in the words of a page of settings."""
    origin = get_origin(annotation)
    if origin is typing.Annotated:
        return _type(get_args(annotation)[0])
    if origin is Literal:
        return ", ".join(map(str, get_args(annotation)))
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(_type(each) for each in get_args(annotation)))
    if origin in (list, tuple):
        return f"list of {_type(get_args(annotation)[0])}"
    if origin is dict:
        return f"mapping to {_type(get_args(annotation)[1])}"
    if annotation in _NAMES:
        return _NAMES[annotation]
    name = getattr(annotation, "__name__", str(annotation))
    return {
        "FilterSpec": "name or {name: options}",
        "SelectorSettings": "name or {name: options}",
        "AnswerKeySettings": "name or {name: options}",
        "RewardSpec": "name, URL or {kind: ...}",
    }.get(name, name.removesuffix("Settings").lower() or name)
