"""Stand-ins for objects of the other side: what is done with one is done there.

A test may do to one of the program's objects what it could do to the object itself, with one
exception: where the test's own values are compared with it, the program has no say.

- It equals nothing but another of the program's objects, and that only where the program's ``==``
  says so and both are of one class and hold the same.
- It is neither less nor more than a value of the test's, and what comes of reckoning with one
  (``answer - 3``) is no number that could be small.
- ``in`` and methods that judge texts and sets (``startswith``) are asked only of classes that the
  test names itself.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from .link import Link

_JUDGING = frozenset({"startswith", "endswith", "issubset", "issuperset", "isdisjoint", "count"})
_GIVE = "len iter next reversed str repr hash bool int float complex index round neg pos invert abs"
_ITEMS = "getitem setitem delitem"
_ORDER = {"lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_RECKON = "add sub mul truediv floordiv mod pow matmul and or xor lshift rshift"


class UnusableError(Exception):
    """A test asks for what no stand-in can do."""


class Remote:
    """An object of the other side, without exceptions: what the program has of the tests'."""

    __slots__ = ("__weakref__", "_about", "_link")

    def __init__(self, link: Link, about: dict[str, Any]) -> None:
        object.__setattr__(self, "_link", link)
        object.__setattr__(self, "_about", about)

    def sandbox_number(self) -> int:
        """Its number, over there."""
        return int(object.__getattribute__(self, "_about")["ref"])

    def __getattr__(self, name: str) -> Any:
        return _ask(self, "get", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        _ask(self, "set", self, name, value)

    def __delattr__(self, name: str) -> None:
        _ask(self, "delattr", self, name)

    def __call__(self, *given: Any, **named: Any) -> Any:
        """Call it, there."""
        return _ask(self, "call", self, *given, named=named)

    def __enter__(self) -> Any:
        return _ask(self, "enter", self)

    def __exit__(self, *_: object) -> Any:
        return _ask(self, "exit", self)

    def __instancecheck__(self, value: Any) -> bool:
        return isinstance(value, Remote) and _ask(self, "isinstance", value, self) is True

    def __subclasscheck__(self, value: Any) -> bool:
        return isinstance(value, Remote) and _ask(self, "issubclass", value, self) is True

    def __contains__(self, value: Any) -> bool:
        return bool(_ask(self, "contains", self, value))

    def __eq__(self, other: object) -> Any:
        return _ask(self, "eq", self, other)


class Judged(Remote):
    """An object of the program's, as tests have it.

    Args:
        link: to the program.
        about: what is told of it.
        named: the names that occur in the test.
        derived: whether it came of reckoning with a value of the test's.
    """

    __slots__ = ("_derived", "_named")

    def __init__(
        self,
        link: Link,
        about: dict[str, Any],
        named: frozenset[str] = frozenset(),
        *,
        derived: bool = False,
    ) -> None:
        super().__init__(link, about)
        object.__setattr__(self, "_named", named)
        object.__setattr__(self, "_derived", derived)

    def __getattr__(self, name: str) -> Any:
        if name in _JUDGING and not _is_named(self):
            raise AttributeError(f"the program's own {name} says nothing of a test's values")
        return super().__getattr__(name)

    def __mro_entries__(self, _: object) -> Any:
        raise UnusableError("a test cannot derive from the program's classes")

    def __contains__(self, value: Any) -> bool:
        if _is_named(self):
            return super().__contains__(value)
        items: Any = self  # which is iterable where the object is
        return any(value is each or value == each for each in items)

    def __eq__(self, other: object) -> Any:
        if not isinstance(other, Judged):
            return NotImplemented
        return _same(self, other, set())


def _ask(remote: Remote, what: str, *given: Any, named: dict[str, Any] | None = None) -> Any:
    return object.__getattribute__(remote, "_link").ask(what, *given, named=named)


def _is_named(remote: Judged) -> bool:
    about = object.__getattribute__(remote, "_about")
    return about["is"] in object.__getattribute__(remote, "_named")


def _same(one: Any, other: Any, compared: set[tuple[int, int]]) -> bool:
    """Whether two are the same, by what they hold; of two that hold each other, all else counts."""
    if not isinstance(one, Judged) or not isinstance(other, Judged):
        if type(one) is not type(other):
            return bool(one == other)
        if isinstance(one, list | tuple):
            pairs = zip(one, other, strict=False)
            return len(one) == len(other) and all(_same(a, b, compared) for a, b in pairs)
        if isinstance(one, dict):
            return one.keys() == other.keys() and all(
                _same(one[key], other[key], compared) for key in one
            )
        return bool(one == other)
    numbers = (one.sandbox_number(), other.sandbox_number())
    if numbers[0] == numbers[1] or numbers in compared:
        return True
    compared.add(numbers)
    if _ask(one, "eq", one, other) is not True:
        return False
    return _same(_ask(one, "state", one), _ask(other, "state", other), compared)


def _giving(what: str) -> Callable[..., Any]:
    def give(self: Remote, *given: Any) -> Any:
        if what in ("abs", "round", "int", "float", "complex", "index") and _derives(self):
            raise TypeError("an object of the program's is no number")
        return _ask(self, what, self, *given)

    return give


def _derives(remote: Remote) -> bool:
    return isinstance(remote, Judged) and object.__getattribute__(remote, "_derived")


def _ordering(what: str, sign: str) -> Callable[[Remote, Any], Any]:
    def order(self: Remote, other: Any) -> Any:
        if isinstance(self, Judged) and (
            not isinstance(other, Judged) or _derives(self) or _derives(other)
        ):
            raise TypeError(
                f"{sign} is not supported between an object of the program's and others"
            )
        return _ask(self, what, self, other)

    return order


def _reckoning(what: str, *, reflected: bool) -> Callable[[Remote, Any], Any]:
    def reckon(self: Remote, other: Any) -> Any:
        result = _ask(self, what, *((other, self) if reflected else (self, other)))
        if not isinstance(self, Judged):
            return result
        if isinstance(other, Judged) and not _derives(self) and not _derives(other):
            return result
        if not isinstance(result, Judged):
            raise TypeError("what comes of an object of the program's and a value is no value")
        link, about, named = (
            object.__getattribute__(result, each) for each in ("_link", "_about", "_named")
        )
        return Judged(link, about, named, derived=True)

    return reckon


def _equip() -> None:
    for name in (*_GIVE.split(), *_ITEMS.split()):
        setattr(Remote, f"__{name}__", _giving(name))
    for name, sign in _ORDER.items():
        setattr(Remote, f"__{name}__", _ordering(name, sign))
    for name in _RECKON.split():
        what = name + "_" if hasattr(operator, name + "_") else name
        setattr(Remote, f"__{name}__", _reckoning(what, reflected=False))
        setattr(Remote, f"__r{name}__", _reckoning(what, reflected=True))
        setattr(Remote, f"__i{name}__", _reckoning("i" + name, reflected=False))
    Judged.__hash__ = Remote.__hash__  # type: ignore[method-assign]


_equip()
