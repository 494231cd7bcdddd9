"""Draw lines over time as SVG, in panels one above the other, for light and dark pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape
from math import ceil, log10
from typing import NamedTuple

WIDTH, HEIGHT, LEFT, RIGHT, TOP, GAP = 720, 150, 64, 52, 30, 62
"""Pixels: the width of the picture, the height of a panel, and the space around panels."""
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #555; }
.title { font-weight: 600; fill: #222; }
.grid { stroke: #ddd; } .axis { stroke: #999; }
.mark { stroke: #999; stroke-dasharray: 4 4; }
.line { fill: none; stroke: #2563a8; stroke-width: 1.5; stroke-linejoin: round; }
.back { fill: #fff; }
@media (prefers-color-scheme: dark) {
  text { fill: #aaa; } .title { fill: #eee; } .back { fill: #181818; }
  .grid { stroke: #333; } .axis { stroke: #777; } .line { stroke: #7ab2ee; }
}
"""


class Panel(NamedTuple):
    """A line of (seconds, value), from 0 to at least `least`; `marks` are dashed, with a text."""

    title: str
    points: Sequence[tuple[float, float]]
    least: float = 0.0
    marks: Sequence[tuple[float, str]] = ()


def svg(title: str, panels: Sequence[Panel]) -> str:
    """Return the picture; all panels have the same time axis, which is at the bottom."""
    height = TOP + len(panels) * (HEIGHT + GAP)
    end = max(seconds for panel in panels for seconds, _ in panel.points)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">'
        f"<title>{escape(title)}</title><style>{STYLE}</style>"
        f'<rect class="back" width="{WIDTH}" height="{height}"/>'
    )
    parts = [head]
    for number, panel in enumerate(panels):
        parts += _panel(panel, TOP + number * (HEIGHT + GAP), end)
    return "\n".join([*parts, "</svg>\n"])


def step(span: float, most: int = 5) -> float:
    """Return 1, 2 or 5 times a power of ten, of which about `most` at most fit in `span`."""
    power: float = 10.0 ** ceil(log10(span / most) - 1)
    return next(power * factor for factor in (1, 2, 5, 10) if span <= power * factor * most)


def _panel(panel: Panel, top: float, end: float) -> Iterator[str]:
    highest = max(panel.least, *(value for _, value in panel.points), *(m for m, _ in panel.marks))
    tick = step(highest)
    highest = tick * ceil(highest / tick)

    def x(seconds: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * seconds / end

    def y(value: float) -> float:
        return top + HEIGHT * (1 - value / highest)

    yield f'<text class="title" x="{LEFT}" y="{top - 10}">{escape(panel.title)}</text>'
    for number in range(round(highest / tick) + 1):
        at = y(number * tick)
        kind = "grid" if number else "axis"
        yield f'<line class="{kind}" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>'
        text = f"{number * tick:,.10g}"
        yield f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{text}</text>'
    yield from _times(x, top + HEIGHT + 18, end)
    for value, text in panel.marks:
        at = y(value)
        yield f'<line class="mark" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>'
        yield f'<text x="{WIDTH - RIGHT + 6}" y="{at + 4:.1f}">{escape(text)}</text>'
    line = " ".join(f"{x(seconds):.1f},{y(value):.1f}" for seconds, value in panel.points)
    yield f'<polyline class="line" points="{line}"/>'


def _times(x: Callable[[float], float], at: float, end: float) -> Iterator[str]:
    minutes = step(end / 60, 10)
    for number in range(int(end / 60 / minutes) + 1):
        text = f"{number * minutes:g} min" if number else "0"
        yield (
            f'<text x="{x(number * minutes * 60):.1f}" y="{at}" text-anchor="middle">{text}</text>'
        )
