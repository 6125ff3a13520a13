"""Draws the first plots of a run's report, as a browser shows them, into one picture (SVG).

    bestofn report run && .venv/bin/python -m benchmarks.report_picture run docs/report.svg

Needs Chromium. The plots are drawn by the page itself and only put side by side.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import urllib.parse
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

WIDTH, HEIGHT, HEADING = 480, 340, 30
SHOWN = 4
SVG = "http://www.w3.org/2000/svg"

DRAW = """async ([shown, width, height]) => {
  const plots = [...document.querySelectorAll('.plotly-graph-div')].slice(0, shown);
  const titles = [...document.querySelectorAll('h2')].map(each => each.textContent);
  const drawn = await Promise.all(
    plots.map(each => Plotly.toImage(each, {format: 'svg', width, height})));
  return drawn.map((url, at) => [titles[at], url]);
}"""


async def plots(page: Path) -> list[tuple[str, str]]:
    """Titles and drawings (data URLs) of the first plots."""
    from playwright.async_api import async_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("no Chromium is installed")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        tab: Any = await browser.new_page()
        await tab.goto(page.resolve().as_uri())
        await tab.wait_for_selector(".plotly-graph-div .main-svg")
        drawn: list[tuple[str, str]] = await tab.evaluate(DRAW, [SHOWN, WIDTH, HEIGHT])
        await browser.close()
    return drawn


def picture(drawn: list[tuple[str, str]]) -> ET.Element:
    """The drawings, two to a line, each under its title."""
    lines = (len(drawn) + 1) // 2
    size = {"width": str(2 * WIDTH), "height": str(lines * (HEIGHT + HEADING))}
    whole = ET.Element(f"{{{SVG}}}svg", size)
    ET.SubElement(whole, f"{{{SVG}}}rect", {"width": "100%", "height": "100%", "fill": "white"})
    for at, (title, url) in enumerate(drawn):
        x, y = at % 2 * WIDTH, at // 2 * (HEIGHT + HEADING)
        heading = ET.SubElement(
            whole,
            f"{{{SVG}}}text",
            {
                "x": str(x + 16),
                "y": str(y + 22),
                "font-family": "system-ui, sans-serif",
                "font-size": "15",
                "font-weight": "600",
                "fill": "#222",
            },
        )
        heading.text = title
        plot = ET.fromstring(urllib.parse.unquote(url.split(",", 1)[1]))
        plot.set("x", str(x))
        plot.set("y", str(y + HEADING))
        whole.append(plot)
    return whole


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("run", type=Path, help="the folder of a run, with its report.html")
    parser.add_argument("picture", type=Path)
    arguments = parser.parse_args()
    page = arguments.run / "report.html"
    if not page.is_file():
        parser.error(f"{page} is not there: bestofn report {arguments.run}")
    ET.register_namespace("", SVG)
    drawn = asyncio.run(plots(page))
    ET.ElementTree(picture(drawn)).write(arguments.picture, encoding="utf-8")


if __name__ == "__main__":
    main()
