"""Small line charts side by side as SVG, on a logarithmic axis of base 2: no library is needed.

draw([Chart("a title", [1, 2, 4], {"argmax": [50.0, 60.0, 65.0]})], "N", "right, %")
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 400, 280
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 30, 40
LEGEND = 30
COLUMNS = 2
COLOURS = ("#d62728", "#1f77b4", "#2ca02c", "#9467bd", "#ff7f0e", "#999999")
STEP = 10
"""Of the vertical axis."""


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart.

    Args:
        title: above it.
        x: values of the horizontal axis, powers of 2, ascending.
        lines: by name, a value for each x; the same names in every chart.
    """

    title: str
    x: Sequence[int]
    lines: Mapping[str, Sequence[float]]


def draw(charts: Sequence[Chart], across: str, up: str) -> str:
    """The charts, two to a line, on one vertical scale, under one legend.

    Args:
        charts: at least one.
        across: what the horizontal axis is called.
        up: what the vertical axis is called.
    """
    rows = math.ceil(len(charts) / COLUMNS)
    width, height = COLUMNS * WIDTH, rows * HEIGHT + LEGEND
    svg = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {width} {height}",
            "width": str(width),
            "font-family": "system-ui, sans-serif",
            "font-size": "11",
        },
    )
    ET.SubElement(svg, "rect", {"width": str(width), "height": str(height), "fill": "white"})
    values = [value for chart in charts for line in chart.lines.values() for value in line]
    low = STEP * math.floor(min(values) / STEP)
    high = STEP * math.ceil(max(values) / STEP)
    for at, name in enumerate(charts[0].lines):
        x = LEFT + at * (width - LEFT) / len(charts[0].lines)
        _line(svg, [(x, 16), (x + 22, 16)], COLOURS[at % len(COLOURS)])
        _text(svg, x + 27, 20, name)
    for at, chart in enumerate(charts):
        left, top = at % COLUMNS * WIDTH, at // COLUMNS * HEIGHT + LEGEND
        place = ET.SubElement(svg, "g", {"transform": f"translate({left} {top})"})
        _one(place, chart, (low, high), across, up)
    ET.indent(svg)
    return ET.tostring(svg, encoding="unicode") + "\n"


def _one(place: ET.Element, chart: Chart, scale: tuple[int, int], across: str, up: str) -> None:
    low, high = scale
    first, last = math.log2(chart.x[0]), math.log2(chart.x[-1])

    def x_of(value: float) -> float:
        return LEFT + (math.log2(value) - first) / (last - first or 1) * (WIDTH - LEFT - RIGHT)

    def y_of(value: float) -> float:
        return HEIGHT - BOTTOM - (value - low) / (high - low or 1) * (HEIGHT - TOP - BOTTOM)

    _text(place, LEFT, 18, chart.title, weight="600")
    for value in range(low, high + 1, STEP):
        _line(place, [(LEFT, y_of(value)), (WIDTH - RIGHT, y_of(value))], "#e5e5e5", 1.0)
        _text(place, LEFT - 6, y_of(value) + 4, str(value), anchor="end")
    for value in chart.x:
        _text(place, x_of(value), HEIGHT - BOTTOM + 16, str(value), anchor="middle")
    _text(place, (WIDTH + LEFT) / 2, HEIGHT - 8, f"{across}; {up}", anchor="middle", fill="#666")
    for at, line in enumerate(chart.lines.values()):
        points = [(x_of(x), y_of(y)) for x, y in zip(chart.x, line, strict=True)]
        _line(place, points, COLOURS[at % len(COLOURS)])


def _line(
    place: ET.Element, points: Sequence[tuple[float, float]], colour: str, width: float = 2.0
) -> None:
    drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    style = {"points": drawn, "fill": "none", "stroke": colour, "stroke-width": f"{width:g}"}
    ET.SubElement(place, "polyline", style)


def _text(
    place: ET.Element,
    x: float,
    y: float,
    said: str,
    *,
    anchor: str = "start",
    weight: str = "400",
    fill: str = "#222",
) -> None:
    style = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor, "fill": fill}
    ET.SubElement(place, "text", style | {"font-weight": weight}).text = said
