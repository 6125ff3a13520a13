"""URLs as they may be written down: without what lets somebody in.

shown_url("https://me:secret@host/v1?key=abc")      "https://host/v1"
"""

from __future__ import annotations

import re
from typing import Any

_CREDENTIALS = re.compile(r"^((?:[A-Za-z][A-Za-z0-9+.-]*:)?//)?[^/?#]*@")
_QUERY = re.compile(r"[?#].*$", re.DOTALL)
_WEB = re.compile(r"\s*https?://", re.IGNORECASE)


def shown_url(url: str) -> str:
    """The URL without user, password, query and fragment; other text stays as it is, as far as it
    holds none of them."""
    return _CREDENTIALS.sub(r"\1", _QUERY.sub("", url.strip()))


def without_credentials(value: Any) -> Any:
    """A JSON value with every text in it that is a URL of the web as `shown_url` has it."""
    if isinstance(value, str):
        return shown_url(value) if _WEB.match(value) else value
    if isinstance(value, list):
        return [without_credentials(each) for each in value]
    if isinstance(value, dict):
        return {name: without_credentials(each) for name, each in value.items()}
    return value
