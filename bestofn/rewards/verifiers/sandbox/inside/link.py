"""The link between the program and its tests: either may ask, and is asked while it waits.

A message is the length of its JSON, in four bytes, and the JSON. Neither side trusts the other: a
message is data, and what it may do is what `Objects` lets it.
"""

from __future__ import annotations

import builtins
import json
import operator
import os
import struct
import sys
import types
from collections.abc import Callable
from typing import Any

from . import values

_MOST_BYTES = 2**28
_HIDDEN = (
    types.FunctionType,
    types.MethodType,
    types.BuiltinFunctionType,
    types.GeneratorType,
    types.CoroutineType,
    types.AsyncGeneratorType,
    types.FrameType,
    types.CodeType,
    types.TracebackType,
    types.ModuleType,
)
"""From these lead ways to everything else that is in a process."""

ANSWER = "answer"
"""The name of the module that is the program."""


class Gone(BaseException):
    """The other side is not there any more, or makes no sense; nothing that tests catch."""


class Objects:
    """What one side lets the other ask for by number.

    Args:
        guarded: whether the other may only call functions and use the public names of objects,
            which is what the program may do with what tests hand it.
    """

    def __init__(self, *, guarded: bool) -> None:
        self._guarded = guarded
        self._known: dict[int, Any] = {}
        self._numbers: dict[int, int] = {}

    def tell(self, value: Any) -> dict[str, Any]:
        """How the other side is told of it: always the same of the same object."""
        number = self._numbers.setdefault(id(value), len(self._numbers))
        self._known[number] = value  # which keeps it, and so its id
        coroutine = isinstance(value, types.CoroutineType)
        return {"ref": number, "is": type(value).__name__, "coroutine": coroutine}

    def find(self, number: int) -> Any:
        """What has that number.

        Raises:
            KeyError: nothing.
        """
        return self._known[number]

    def get(self, value: Any, name: str) -> Any:
        """An attribute."""
        self._see_to(value, name)
        return getattr(value, name)

    def set(self, value: Any, name: str, new: Any) -> None:
        """Set an attribute."""
        self._see_to(value, name)
        setattr(value, name, new)

    def _see_to(self, value: Any, name: str) -> None:
        if self._guarded and (name.startswith("_") or isinstance(value, _HIDDEN)):
            raise AttributeError(f"{type(value).__name__!r} object has no attribute {name!r}")


class Link:
    """One end.

    Args:
        descriptor: of a connected socket.
        objects: of this side.
        stand_in: makes what stands for an object of the other side, from this link and what is
            told of it.
        classes: exception classes of this side's own that stand for the other side's, by name.
    """

    def __init__(
        self,
        descriptor: int,
        objects: Objects,
        stand_in: Callable[[Link, dict[str, Any]], Any],
        classes: dict[str, type[Exception]],
    ) -> None:
        self._descriptor = descriptor
        self._objects = objects
        self._stand_in = stand_in
        self._classes = classes
        self._others: dict[int, Any] = {}
        self.printed: Callable[[], str] = str
        self.further: dict[str, Callable[..., Any]] = {}

    def ask(self, what: str, *given: Any, named: dict[str, Any] | None = None) -> Any:
        """Have the other side do something, and answer it meanwhile.

        Raises:
            Exception: what was raised there, as one of this side's own classes.
            Gone: it is not there any more.
        """
        arguments = [*given, *(named or {}).values()]
        sent = {"do": what, "given": self.encode(list(given)), "named": self.encode(named or {})}
        self.send(sent)
        answer = self.hear()
        try:
            sys.stdout.write(str(answer.get("printed", "")))
            if "raised" in answer:
                raised = self._exception(answer["raised"])
            else:
                for place, changed in answer["changed"]:
                    values.restore(arguments[int(place)], self.decode(changed))
                return self.decode(answer["is"])
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise Gone(f"the other side answers nonsense: {error!r}") from None
        raise raised

    def hear(self) -> dict[str, Any]:
        """What the other side says first that is no question; its questions are answered.

        Raises:
            Gone: it ended.
        """
        while "do" in (heard := self.receive()):
            self.send(self._answer(heard))
        return heard

    def serve(self) -> None:
        """Answer until nobody asks any more.

        Raises:
            Gone: the other side ended.
        """
        while True:
            self.send(self._answer(self.receive()))

    def encode(self, value: Any) -> Any:
        """As `values.encode`, with this side's objects by their numbers."""
        return values.encode(value, self._refer)

    def decode(self, data: Any) -> Any:
        """As `values.decode`, with the other side's objects as stand-ins."""
        return values.decode(data, self._resolve)

    def send(self, message: Any) -> None:
        """Send one message."""
        body = json.dumps(message).encode()
        left = memoryview(struct.pack(">I", len(body)) + body)
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
        except OSError as error:
            raise Gone("the other side ended") from error

    def receive(self) -> dict[str, Any]:
        """The next message."""
        try:
            (length,) = struct.unpack(">I", self._exactly(4))
            if length > _MOST_BYTES:
                raise Gone("the other side says too much")
            message = json.loads(self._exactly(length))
        except (OSError, ValueError, RecursionError) as error:
            raise Gone("the other side ended, or says nonsense") from error
        if not isinstance(message, dict):
            raise Gone("the other side says nonsense")
        return message

    def _exactly(self, count: int) -> bytes:
        text = bytearray()
        while len(text) < count:
            if not (chunk := os.read(self._descriptor, min(count - len(text), 2**20))):
                raise Gone("the other side ended")
            text += chunk
        return bytes(text)

    def _answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        try:
            given, named = self.decode(asked["given"]), self.decode(asked["named"])
            arguments = [*given, *named.values()]
            before = [*asked["given"], *(value for _, value in asked["named"]["dict"])]
            result = self._do(asked["do"], given, named)
            changed = [
                (place, after)
                for place, value in enumerate(arguments)
                if isinstance(value, values.MUTABLE)
                and (after := self.encode(value)) != before[place]
            ]
            said: dict[str, Any] = {"is": self.encode(result), "changed": changed}
        except Exception as error:
            said = {"raised": self._told(error)}
        except SystemExit:
            said = {"raised": {"kinds": [], "args": [], "text": "it ended itself", "vars": {}}}
        return {**said, "printed": self.printed()}

    def _do(self, what: str, given: list[Any], named: dict[str, Any]) -> Any:
        if what in self.further:
            return self.further[what](*given)
        if what == "call":
            return given[0](*given[1:], **named)
        if what == "get":
            return self._objects.get(*given)
        if what == "set":
            return self._objects.set(*given)
        return OPERATIONS[what](*given)

    def _refer(self, value: Any) -> dict[str, Any]:
        number = getattr(type(value), "sandbox_number", None)
        return self._objects.tell(value) if number is None else {"own": number(value)}

    def _resolve(self, data: dict[str, Any]) -> Any:
        if "own" in data:
            return self._objects.find(data["own"])
        number = int(data["ref"])
        if number not in self._others:
            self._others[number] = self._stand_in(self, data)
        return self._others[number]

    def _told(self, error: Exception) -> dict[str, Any]:
        """An exception as data: its classes, the nearest first, and what it holds."""
        kinds = [[each.__module__, each.__qualname__] for each in type(error).__mro__]
        try:
            text = str(error)
            held = [self.encode(list(error.args)), self.encode(dict(vars(error)))]
        except Exception:  # whatever the program's own methods raise
            text, held = "", [[], {"dict": []}]
        return {"kinds": kinds, "args": held[0], "vars": held[1], "text": text}

    def _exception(self, told: dict[str, Any]) -> Exception:
        for module, name in told["kinds"]:
            kind: Any = self._classes.get(name) if module == ANSWER else None
            if kind is None and module in sys.stdlib_module_names | {"builtins"}:
                kind = getattr(sys.modules.get(module, builtins), name, None)
            if isinstance(kind, type) and issubclass(kind, Exception):
                error = kind.__new__(kind)
                error.args = tuple(self.decode(told["args"]))
                for key, value in self.decode(told["vars"]).items():
                    setattr(error, str(key), value)
                return error
        return RuntimeError(str(told["text"]))


_OPERATORS = (
    *("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"),
    *("and_", "or_", "xor", "lshift", "rshift", "neg", "pos", "invert", "abs", "index"),
    *("iadd", "isub", "imul", "itruediv", "ifloordiv", "imod", "ipow", "imatmul"),
    *("iand", "ior", "ixor", "ilshift", "irshift", "lt", "le", "gt", "ge", "eq"),
    *("contains", "getitem", "setitem", "delitem"),
)

OPERATIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(operator, name) for name in _OPERATORS},
    **{each.__name__: each for each in (len, iter, next, reversed, str, repr, hash, bool)},
    **{each.__name__: each for each in (int, float, complex, round, isinstance, issubclass)},
    "enter": lambda value: value.__enter__(),
    "exit": lambda value: value.__exit__(None, None, None),
    "delattr": delattr,
}
"""What may be done with an object besides calling it, and getting and setting what it has."""
