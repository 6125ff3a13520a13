"""Where an answer that redirects leads: a server of an API that does has moved, or wants a login.

No redirect is followed: it could lead the key, and the prompts, to another host.
"""

from __future__ import annotations

import httpx

from bestofn.openai_api.status import phrase_of
from bestofn.support.error_text import shortened
from bestofn.support.url import shown_url

LONGEST = 200
"""Characters of an address that are shown."""


def redirected(response: httpx.Response, path: str, url: str) -> str:
    """What a server that redirects a request has to be told as, in one sentence.

    Args:
        response: it redirects, and has its request.
        path: of the request, below the API's root.
        url: what the user called the server.
    """
    status = response.status_code
    sentence = f"{shown_url(url)} answers {status}{phrase_of(status)}"
    target = _target(response)
    if target is None:
        return f"{sentence} and does not say where it leads: give the URL of the API itself"
    root = target.rstrip("/").removesuffix(f"/{path}")
    asked = shown_url(str(response.request.url)).rstrip("/").removesuffix(f"/{path}")
    if root == target.rstrip("/") or root == asked:
        return f"{sentence} and leads to {_short(target)}: give the URL of the API itself"
    return f"{sentence} and leads to {_short(root)}: give that URL"


def location_of(location: str) -> str:
    """A header `Location` as it may be written down."""
    return _short(shown_url(location))


def _target(response: httpx.Response) -> str | None:
    """The whole URL that it leads to, without what lets somebody in; None: it does not say one."""
    location = response.headers.get("location", "").strip()
    if not location:
        return None
    try:
        return shown_url(str(response.request.url.join(location)))
    except (httpx.InvalidURL, ValueError):
        return shown_url(location)


def _short(url: str) -> str:
    return shortened(" ".join(url.split()), LONGEST)
