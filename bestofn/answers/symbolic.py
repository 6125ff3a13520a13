r"""Mathematics as math-verify reads it: ``\frac{1}{\sqrt2}`` and ``\frac{\sqrt2}{2}`` are the same.

sympy computes what it reads, and a power of powers or a factorial keeps it busy for ever; so only
short expressions without them are shown to it. An answer key has no time limit of its own.
"""

from __future__ import annotations

import functools
import importlib.util
import logging
import re
from typing import Any

from bestofn.core.errors import ConfigError

logger = logging.getLogger(__name__)

LONGEST = 80
"""Characters of an expression that is read."""

_COSTLY = re.compile(
    r"!|\\(?:sum|prod|int|lim|binom|infty)|\^\s*\{?[^{}]*\^|\^\s*\{?-?\d{3,}|\d{20,}|\{\{"
)
"""What sympy may take for ever to compute: factorials, sums, powers of powers, large exponents."""


def check_installed() -> None:
    """Return if math-verify is there.

    Raises:
        ConfigError: it is not.
    """
    if importlib.util.find_spec("math_verify") is None:
        raise ConfigError(
            "answer key number: math_verify needs math-verify: "
            "pip install 'bestofn-middleware[math]'"
        )


@functools.lru_cache(maxsize=1024)
def normal(text: str) -> str | None:
    """sympy's own form of the expression; None where it is not read."""
    if len(text) > LONGEST or _COSTLY.search(text) or text.count("^") > 3:
        return None
    from math_verify import parse  # type: ignore[import-untyped]

    logging.getLogger("math_verify").setLevel(logging.ERROR)  # it warns that its limits are off
    unlimited: Any = None  # its annotations forget that this is allowed
    try:
        found: list[Any] = parse(f"${text}$", parsing_timeout=unlimited, raise_on_error=True)
        return str(_evaluated(found[0])) if found and not isinstance(found[0], str) else None
    except Exception as error:  # sympy's are of many classes; it is compared as it is written
        logger.debug("math-verify does not read an answer: %s", type(error).__name__)
        return None


def _evaluated(expression: Any) -> Any:
    """The expression made anew from its parts: sympy has left it as it was written."""
    if not getattr(expression, "args", ()):
        return expression
    return expression.func(*map(_evaluated, expression.args))
