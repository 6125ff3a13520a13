"""A real browser (Debian's Chromium), and all that a page says and asks for in it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


_FAULTS = ("error", "warning")
"""Kinds of messages of a console that are none that it should have."""


@dataclass
class Tab:
    """A page, and what it did.

    Args:
        page: Playwright's.
        faults: errors and warnings of its console, and exceptions.
        asked: URLs of its requests.
    """

    page: Any
    faults: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@contextlib.asynccontextmanager
async def browser_tab(**options: Any) -> AsyncIterator[Tab]:
    """A new tab; the test is skipped, saying so, where there is no browser.

    Args:
        options: of Playwright's `new_page`: viewport, color_scheme, locale.
    """
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium is installed")
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page: Any = await browser.new_page(**options)
        tab = Tab(page)
        page.on(
            "console",
            lambda said: tab.faults.append(said.text) if said.type in _FAULTS else None,
        )
        page.on("pageerror", lambda error: tab.faults.append(str(error)))
        page.on("request", lambda request: tab.asked.append(request.url))
        try:
            yield tab
        finally:
            await browser.close()
