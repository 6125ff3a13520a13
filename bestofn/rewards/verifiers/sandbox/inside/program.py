"""The process of the program: it runs it, and then calls it as the tests ask.

Nothing in here is trusted by anybody: the program shares this process.
"""

from __future__ import annotations

import builtins
import collections
import contextlib
import functools
import io
import os
import sys
import types
from typing import Any

from .link import ANSWER, Gone, Link, Objects
from .remote import Remote


def run(source: str, link: int) -> None:
    """Run a program: as the main one where `link` is -1, else to be called over that descriptor."""
    sys.argv = [""]
    module = types.ModuleType("__main__" if link < 0 else ANSWER)
    sys.modules[module.__name__] = module
    if link < 0:
        exec(compile(source, "<answer>", "exec", dont_inherit=True), module.__dict__)
    else:
        with contextlib.suppress(Gone):
            _serve(source, module, Link(link, Objects(guarded=False), Remote, {}))
        os._exit(0)


def _serve(source: str, module: types.ModuleType, link: Link) -> None:
    printed = sys.stdout = io.StringIO()

    def take_printed() -> str:
        text = printed.getvalue()
        printed.seek(0)
        printed.truncate()
        return text

    link.printed = take_printed
    link.further = {
        "name": module.__dict__.__getitem__,
        "state": _state,
        "await": _await,
    }
    builtins.input = functools.partial(link.ask, "input")  # which a test may have replaced
    try:
        exec(compile(source, "<answer>", "exec", dont_inherit=True), module.__dict__)
    except BaseException as error:
        link.send({"failed": f"{type(error).__name__}: {error}"[:1000]})
        return
    take_printed()
    names = {str(k): _told(v) for k, v in module.__dict__.items() if not k.startswith("__")}
    link.send({"names": names})
    link.serve()


def _await(coroutine: Any) -> Any:
    import asyncio  # it takes longer to load than all else here, and few programs need it

    return asyncio.run(coroutine)


def _told(value: Any) -> list[Any]:
    """What is said of a name: a module, something out of one, an exception's class, or a value."""
    if isinstance(value, types.ModuleType):
        return ["module", value.__name__]
    name, source = getattr(value, "__name__", None), getattr(value, "__module__", None)
    if isinstance(name, str) and isinstance(source, str) and source in sys.modules:
        top = source.partition(".")[0]
        known = getattr(sys.modules[source], name, None) is value
        if known and top in sys.stdlib_module_names:
            return ["from", source, name]
    if isinstance(value, type) and issubclass(value, Exception):
        return ["exception", [each.__name__ for each in value.__mro__[1:]]]
    return ["value"]


def _state(value: Any) -> Any:
    """What an object is: its class and all that it holds."""
    held: dict[str, Any] = {}
    for each in type(value).__mro__:
        for slot in getattr(each, "__slots__", ()):
            with contextlib.suppress(AttributeError):
                held[slot] = getattr(value, slot)
    held.update(getattr(value, "__dict__", {}))
    content: Any = None
    if isinstance(value, list | tuple | set | frozenset | collections.deque):
        content = [*value]
    elif isinstance(value, dict):
        content = dict(value)
    if not held and content is None and not isinstance(value, type):
        content = builtins.repr(value)
    return [type(value), held, content]
