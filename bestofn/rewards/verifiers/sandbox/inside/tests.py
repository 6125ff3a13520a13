"""The process of the tests: Python that runs beside the program, and raises where that is wrong.

The program is in another process, so that nothing it does to its own interpreter (to builtins, to
the runner, to frames, to how it ends) is done to the tests, and what it returns are values.
"""

from __future__ import annotations

import ast
import builtins
import os
import sys
import types
from typing import Any

from . import scope
from .link import Gone, Link, Objects
from .remote import Judged, UnusableError

PASSED = b"passed"
"""What is said where every line of a test was reached, and none raised."""

UNUSABLE = "unusable: "
"""What the word begins with where the test is to blame."""


def judge(source: str, descriptor: int) -> bytes:
    """Run a test against the program at the other end of `descriptor`.

    Returns:
        `PASSED`, or why not.
    """
    try:
        try:
            tree = ast.parse(source, "<test>")
        except (SyntaxError, ValueError) as error:
            raise UnusableError(f"a test is no Python: {error}") from None
        _run(tree, descriptor)
    except UnusableError as error:
        return f"{UNUSABLE}{error}"[:1000].encode("utf-8", "replace")
    except (Gone, Exception, KeyboardInterrupt, SystemExit) as error:
        return f"failed: {type(error).__name__}: {error}"[:1000].encode("utf-8", "replace")
    return PASSED


def _run(tree: ast.Module, descriptor: int) -> None:
    named = scope.identifiers(tree)
    classes: dict[str, type[Exception]] = {}
    sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115

    def stand_in(link: Link, about: dict[str, Any]) -> Any:
        made = Judged(link, about, named)
        return _awaiting(link, made) if about.get("coroutine") else made

    link = Link(descriptor, Objects(guarded=True), stand_in, classes)
    link.further = {"input": lambda *prompt: builtins.input(*prompt)}
    hello = link.hear()
    if "names" not in hello:
        raise Gone(f"the program does not run: {hello.get('failed')}")
    classes.update(scope.exceptions(hello["names"]))
    module = types.ModuleType("tests")
    sys.modules[module.__name__] = module
    module.__dict__.update(scope.names_of(tree, hello["names"], classes, link))
    exec(compile(tree, "<test>", "exec", dont_inherit=True), module.__dict__)


async def _awaiting(link: Link, coroutine: Judged) -> Any:
    """A coroutine of the program's, awaited there from beginning to end."""
    return link.ask("await", coroutine)
