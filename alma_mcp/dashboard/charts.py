"""Small charts as SVG, made on the server. What each shows is written beside it, or on it for who does not see it."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDTH, HEIGHT = 640, 132
ROOM = HEIGHT - 8
LEAST_BAR = 2


@dataclass(frozen=True, slots=True)
class Day:
    """One bar up and one down: how often memories were called helpful and harmful on a day (such as `12 Mar`)."""

    name: str
    helpful: int
    harmful: int


def usefulness(days: Sequence[Day]) -> Markup:
    """Bars up for what helped, down for what harmed, a day beside the other; at least one day."""
    helpful, harmful = max([1, *(day.helpful for day in days)]), max(day.harmful for day in days)
    unit = ROOM / (helpful + harmful)
    base = 4 + unit * helpful
    pitch = WIDTH / len(days)
    bars = Markup().join(_bars(day, index * pitch, pitch, base, unit) for index, day in enumerate(days))
    return Markup(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}" preserveAspectRatio="none">'
        '{}<line class="base" x1="0" x2="{}" y1="{:.1f}" y2="{:.1f}"/></svg>'
    ).format(WIDTH, HEIGHT, told(days), bars, WIDTH, base, base)


def told(days: Sequence[Day]) -> str:
    """The same in words."""
    helpful, harmful = sum(day.helpful for day in days), sum(day.harmful for day in days)
    if not helpful + harmful:
        return f"No feedback in {len(days)} days."
    best = max(days, key=lambda day: day.helpful)
    worst = max(days, key=lambda day: day.harmful)
    said = f"In {len(days)} days memories were called helpful {helpful:,} times and harmful {harmful:,} times"
    said += f"; most helpful on {best.name} ({best.helpful:,})" if helpful else ""
    said += f"; most harmful on {worst.name} ({worst.harmful:,})" if harmful else ""
    return f"{said}."


def _bars(day: Day, left: float, pitch: float, base: float, unit: float) -> Markup:
    width = max(1.5, pitch * 0.68)
    x = left + (pitch - width) / 2
    up, down = (max(LEAST_BAR, unit * count - 1) if count else 0 for count in (day.helpful, day.harmful))
    title = Markup("<title>{}: {} helpful, {} harmful</title>").format(day.name, day.helpful, day.harmful)
    bar = Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="1.5"/>')
    bars = [bar.format("helpful", x, base - up - 1, width, up)] if up else []
    bars += [bar.format("harmful", x, base + 1, width, down)] if down else []
    return Markup("<g>{}{}</g>").format(title, Markup().join(bars))
