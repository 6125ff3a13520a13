"""What an answer's author thought, before a reward model's template shows it: left out, or shown.

Servers call it ``reasoning`` or ``reasoning_content``, and templates read these names or
``thinking`` (gpt-oss): it is one thing, so that a reward does not depend on who named it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bestofn.core.errors import ModelError
from bestofn.core.message import reasoning_text
from bestofn.rewards.text.renderer import Arrange

NAMES = ("reasoning", "reasoning_content", "thinking")
"""What templates call it."""


def with_reasoning(arrange: Arrange | None, *, shown: bool) -> Arrange:
    """What becomes of the messages: as `arrange` says, after their reasoning was left out, or given
    every name that a template may read."""

    def arranged(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        plain = [_named(message, shown=shown) for message in messages]
        return plain if arrange is None else arrange(plain)

    return arranged


def require_shown(template: str, model: str) -> None:
    """Return if a template reads reasoning.

    Raises:
        ModelError: it does not, and would show none.
    """
    if not any(name in template for name in NAMES):
        raise ModelError(
            f"{model}: its template reads no reasoning, so that reasoning: true has no effect"
        )


def _named(message: Mapping[str, Any], *, shown: bool) -> dict[str, Any]:
    thought = reasoning_text(message)
    rest = {name: value for name, value in message.items() if name not in NAMES}
    return {**rest, **dict.fromkeys(NAMES, thought)} if shown and thought else rest
