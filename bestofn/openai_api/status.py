"""HTTP's statuses, as sentences name them."""

from __future__ import annotations

from http import HTTPStatus


def is_redirect(status: int) -> bool:
    """Whether it says that the answer is elsewhere."""
    return 300 <= status < 400


def phrase_of(status: int) -> str:
    """What HTTP calls it, in brackets: " (Not Found)"; "" where it has no name for it."""
    try:
        return f" ({HTTPStatus(status).phrase})"
    except ValueError:
        return ""
