"""Owns how a user's function is found by its import path: ``package.module:function``."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from bestofn.core.errors import ConfigError


def load_function(path: str, what: str) -> Callable[..., Any]:
    """The callable at `path`.

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
        found: Any = importlib.import_module(module_name)
    except ImportError as error:
        raise ConfigError(
            f"{what}: {module_name} cannot be imported: {error} (is its folder installed, or on "
            "PYTHONPATH?)"
        ) from error
    for attribute in attributes.split("."):
        if not hasattr(found, attribute):
            raise ConfigError(f"{what}: {module_name} has no {attributes}")
        found = getattr(found, attribute)
    if not callable(found):
        raise ConfigError(f"{what}: {path} is not callable")
    function: Callable[..., Any] = found
    return function
