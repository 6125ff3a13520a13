"""Import paths, ``package.module:attribute``: our own names by them, and functions of users'.

imported("bestofn.filters.empty:EmptyFilter")            # one of ours, known to be there
load_function("my_package.checks:is_polite", "verifier") # a user's: every mistake a sentence
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from bestofn.core.errors import ConfigError


def imported(path: str) -> Any:
    """What stands at a path of our own; the attribute may be dotted (``module:Class.method``)."""
    module_name, _, attributes = path.partition(":")
    found: Any = importlib.import_module(module_name)
    for attribute in attributes.split("."):
        found = getattr(found, attribute)
    return found


def load_function(path: str, what: str) -> Callable[..., Any]:
    """The callable at a path that a user named.

    Args:
        path: ``package.module:function``; the function may be dotted (``module:Class.method``).
        what: it is for; begins the errors.

    Raises:
        ConfigError: nothing callable can be imported from the path.
        Exception: whatever the module raises while it is imported, ImportError apart.
    """
    module_name, colon, attributes = path.partition(":")
    if not (module_name and colon and attributes) or module_name.startswith("."):
        raise ConfigError(f"{what}: {path!r} is not of the form package.module:function")
    try:
        importlib.import_module(module_name)
    except ImportError as error:
        raise ConfigError(
            f"{what}: {module_name} cannot be imported: {error} (is its folder installed, or on "
            "PYTHONPATH?)"
        ) from error
    try:
        function: Callable[..., Any] = imported(path)
    except AttributeError as error:
        raise ConfigError(f"{what}: {module_name} has no {attributes}") from error
    if not callable(function):
        raise ConfigError(f"{what}: {path} is not callable")
    return function
