"""Values as JSON, so that what arrives is of Python's own types, whatever the sender made it of.

Nothing, truth values, numbers, texts, bytes, the containers, and what the standard library has for
exact numbers and dates cross whole; a named tuple as one with the same fields. Everything else is
told by a number, and stays where it is.
"""

from __future__ import annotations

import builtins
import collections
import importlib
import sys
from collections.abc import Callable
from typing import Any

_PLAIN_INTEGER = 2**53
_EXACT: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "Decimal": ("decimal", str),
    "Fraction": ("fractions", str),
    "date": ("datetime", lambda value: value.isoformat()),
    "datetime": ("datetime", lambda value: value.isoformat()),
    "time": ("datetime", lambda value: value.isoformat()),
    "timedelta": ("datetime", lambda value: [value.days, value.seconds, value.microseconds]),
}
"""Modules and texts of what the standard library has for exact numbers and dates. A module that is
not loaded is no value's; loading it takes longer than most programs run."""

MUTABLE = (list, dict, set, bytearray, collections.deque)
"""What a call may change in place: the caller is told how it looks afterwards."""


def encode(value: Any, refer: Callable[[Any], dict[str, Any]]) -> Any:
    """`value` as JSON can say it; `refer` tells of what does not cross."""
    kind: type[Any] = type(value)
    if value is None or kind is bool or kind is str:
        return value
    if kind is float:
        return {"float": value.hex()}
    if kind is int:
        return value if abs(value) < _PLAIN_INTEGER else {"int": hex(value)}
    if kind is list:
        return [encode(each, refer) for each in value]
    if kind in (tuple, set, frozenset):
        return {kind.__name__: [encode(each, refer) for each in value]}
    if kind in (dict, collections.OrderedDict, collections.defaultdict, collections.Counter):
        return {"dict": [[encode(k, refer), encode(v, refer)] for k, v in value.items()]}
    if kind in (bytes, bytearray):
        return {kind.__name__: value.hex()}
    if kind is complex:
        return {"complex": [value.real.hex(), value.imag.hex()]}
    if kind is range:
        return {"range": [encode(each, refer) for each in (value.start, value.stop, value.step)]}
    if kind is collections.deque:
        return {"deque": [[encode(each, refer) for each in value], value.maxlen]}
    if kind in (type, type(len)) and (name := _python_name(value)):
        return {"python": name}
    if kind.__name__ in _EXACT:
        module, tell = _EXACT[kind.__name__]
        known = getattr(sys.modules.get(module), kind.__name__, None)
        if kind is known and _simple_zone(value):
            return {kind.__name__: tell(value)}
    return _encode_subclass(value, kind, refer)


def _encode_subclass(value: Any, kind: type, refer: Callable[[Any], dict[str, Any]]) -> Any:
    """Numbers and texts of a class of their own are numbers and texts; named tuples keep names."""
    fields = getattr(kind, "_fields", None)
    if isinstance(value, tuple) and isinstance(fields, tuple):
        values = [encode(each, refer) for each in tuple.__iter__(value)]
        return {"namedtuple": [kind.__name__, list(fields), values]}
    if isinstance(value, int):
        return encode(int.__int__(value), refer)
    if isinstance(value, float):
        return encode(float.__float__(value), refer)
    if isinstance(value, str):
        return str.__str__(value)
    return refer(value)


def _simple_zone(value: Any) -> bool:
    """Whether the text of a date or time says all of it: the zone is none, or a fixed offset."""
    zone = getattr(value, "tzinfo", None)
    return zone is None or type(zone) is sys.modules["datetime"].timezone


def decode(data: Any, resolve: Callable[[dict[str, Any]], Any]) -> Any:
    """The value that `encode` told of; `resolve` finds what did not cross.

    Raises:
        ValueError, TypeError, KeyError: it is none.
    """
    if isinstance(data, list):
        return [decode(each, resolve) for each in data]
    if not isinstance(data, dict):
        return data
    if "ref" in data or "own" in data:
        return resolve(data)
    ((kind, told),) = data.items()
    if kind == "dict":
        return {decode(key, resolve): decode(value, resolve) for key, value in told}
    if kind in _EXACT:
        made: Any = getattr(importlib.import_module(_EXACT[kind][0]), kind)
        if isinstance(told, list):
            return made(*told)
        return getattr(made, "fromisoformat", made)(told)
    return _DECODERS[kind](told, resolve)


def _python_name(value: Any) -> str | None:
    """What one of Python's own types and functions is called; None: it is another's."""
    name = str(value.__name__)
    return name if getattr(builtins, name, None) is value else None


def _python(name: str) -> Any:
    """One of Python's own types and functions."""
    found = getattr(builtins, name)
    if type(found) is not type and type(found) is not type(len):
        raise ValueError(f"{name} is neither a type nor a function")
    return found


def _namedtuple(told: Any, resolve: Callable[[dict[str, Any]], Any]) -> Any:
    name, fields, values = told
    made: Any = collections.namedtuple(str(name), fields)  # type: ignore[misc]
    return made(*decode(values, resolve))


_DECODERS: dict[str, Callable[[Any, Any], Any]] = {
    "float": lambda told, _: float.fromhex(told),
    "int": lambda told, _: int(told, 16),
    "tuple": lambda told, resolve: tuple(decode(told, resolve)),
    "set": lambda told, resolve: set(decode(told, resolve)),
    "frozenset": lambda told, resolve: frozenset(decode(told, resolve)),
    "bytes": lambda told, _: bytes.fromhex(told),
    "bytearray": lambda told, _: bytearray.fromhex(told),
    "complex": lambda told, _: complex(*map(float.fromhex, told)),
    "range": lambda told, resolve: range(*decode(told, resolve)),
    "deque": lambda told, resolve: collections.deque(decode(told[0], resolve), told[1]),
    "python": lambda told, _: _python(told),
    "namedtuple": _namedtuple,
}


def restore(old: Any, new: Any) -> Any:
    """`old` made to look like `new` where that can be changed in place, else `new`."""
    if type(old) is not type(new) or not isinstance(old, MUTABLE):
        return new
    if isinstance(old, list):
        same = [restore(a, b) for a, b in zip(old, new, strict=False)]
        old[:] = [*same, *new[len(same) :]]
    elif isinstance(old, dict):
        merged = {key: restore(old.get(key), value) for key, value in new.items()}
        old.clear()
        old.update(merged)
    elif isinstance(old, set):
        old.clear()
        old.update(new)
    elif isinstance(old, bytearray):
        old[:] = new
    else:
        old.clear()
        old.extend(new)
    return old
