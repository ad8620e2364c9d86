"""Bars on a logarithmic axis, as SVG text."""

import math
import statistics
from collections.abc import Sequence
from html import escape

from bench.peers.line import Line
from bench.peers.ratios import search_p95

WIDTH, LABEL, ROW, TOP = 780, 210, 24, 34
OURS, THEIRS = "#0b6e4f", "#8a94a6"

Bar = tuple[str, float, str]


def plot(lines: Sequence[Line]) -> str:
    """Start-up and searches of every server that was measured, ours in colour."""
    size = max((size for line in lines for size in line.sizes), default=0)
    panels = [
        (
            f"search p95 with {size:,} notes (or as many as it held), where the note was found; milliseconds",
            _searches(lines, size),
        ),
        ("start to answered tools/list, milliseconds", _starts(lines)),
    ]
    parts: list[str] = []
    height = 0
    for title, bars in panels:
        parts.append(f'<g transform="translate(0,{height})">{_panel(title, bars)}</g>')
        height += TOP + ROW * len(bars) + 16
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"'
        ' font-family="system-ui, sans-serif" font-size="13">'
        "<title>alma-mcp and its peers</title>"
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>'
    )
    return head + "".join(parts) + "</svg>\n"


def _starts(lines: Sequence[Line]) -> list[Bar]:
    ours, *_ = lines
    return [
        (
            f"{line.peer}, {start}" if len(line.to_tools) > 1 else line.peer,
            statistics.median(times),
            _colour(line, ours),
        )
        for line in lines
        for start, times in sorted(line.to_tools.items(), reverse=True)
    ]


def _searches(lines: Sequence[Line], size: int) -> list[Bar]:
    ours, *_ = lines
    found = [(line, search_p95(line, size)) for line in lines]
    return [(_held(line, size), value, _colour(line, ours)) for line, value in found if value]


def _held(line: Line, size: int) -> str:
    asked = line.sizes[size].asked
    return line.peer if asked == size else f"{line.peer} ({asked:,})"


def _colour(line: Line, ours: Line) -> str:
    return OURS if line is ours else THEIRS


def _panel(title: str, bars: Sequence[Bar]) -> str:
    room = WIDTH - LABEL - 80
    highest = math.log10(max((value for _, value, _ in bars), default=1) + 1)
    rows = [f'<text x="12" y="20" font-weight="600" fill="#1b1f27">{escape(title)}, logarithmic</text>']
    for number, (name, value, colour) in enumerate(bars):
        y = TOP + number * ROW
        length = max(2, room * math.log10(value + 1) / highest)
        rows.append(
            f'<text x="{LABEL - 8}" y="{y + 13}" text-anchor="end" fill="#1b1f27">{escape(name)}</text>'
            f'<rect x="{LABEL}" y="{y}" width="{length:.0f}" height="17" rx="2" fill="{colour}"/>'
            f'<text x="{LABEL + length + 6:.0f}" y="{y + 13}" fill="#1b1f27">{value:,.0f}</text>'
        )
    return "".join(rows)
