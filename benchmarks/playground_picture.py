"""Draws docs/playground.png: the playground on the embedded pair, in Chromium.

.venv/bin/python -m benchmarks.playground_picture [--output docs/playground.png]

Two of the prompts that it offers are Chinese: Debian's fonts-noto-cjk draws them.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
from pathlib import Path
from typing import Any

from benchmarks.processes import running
from bestofn.builders.generator import EMBEDDED_ENVIRONMENT

PROMPT, SEED = "What is 8 - 5?", 136
"""Of eight candidates with this seed the right answer wins, and a filter rejects some."""
WIDTH, HEIGHT = 900, 860


async def draw(url: str, output: Path) -> None:
    """Ask once, and take the picture when the winner is known."""
    from playwright.async_api import async_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("no Chromium is installed")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page: Any = await browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, locale="en")
        await page.goto(url)
        await page.wait_for_selector("#a-best_of")
        await page.fill("#prompt", PROMPT)
        await page.fill("#a-seed", str(SEED))
        await page.click("#ask button.primary")
        await page.wait_for_selector(".card[data-won]")
        if not await page.locator(".card[data-state=rejected]").count():
            raise SystemExit("no candidate was rejected: choose another seed")
        # As high as the page: its last line sticks to the end of the window.
        height = await page.evaluate("() => document.documentElement.scrollHeight")
        await page.set_viewport_size({"width": WIDTH, "height": height})
        await page.screenshot(path=str(output))
        await browser.close()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("docs/playground.png"))
    arguments = parser.parse_args()
    with running("bestofn", "serve", environment=dict(EMBEDDED_ENVIRONMENT)) as url:
        asyncio.run(draw(url, arguments.output))
    print(arguments.output)


if __name__ == "__main__":
    main()
