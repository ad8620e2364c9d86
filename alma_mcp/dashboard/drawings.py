"""What is drawn of a comparison, as SVG that keeps its letters legible at every width: places in percent, not pixels.

Every drawing says in words what it shows, for who does not see it; what it shows is written beside it as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from markupsafe import Markup

from alma_mcp.evidence.dossier import Interval
from alma_mcp.review.parts import Domain, Figures

MARGIN = 0.12
EDGE = 25.0


@dataclass(frozen=True, slots=True)
class Scale:
    """A stretch of differences; `at` gives the place of one, in percent from the left."""

    low: float
    high: float

    @classmethod
    def over(cls, intervals: Sequence[Interval], *more: float) -> Self:
        """Wide enough for all of these and for zero."""
        values = [0.0, *more, *(each for found in intervals for each in (found.low, found.high))]
        low, high = min(values), max(values)
        room = max(high - low, 1e-6) * MARGIN
        return cls(low - room, high + room)

    def at(self, value: float) -> float:
        return 100 * (value - self.low) / (self.high - self.low)


def difference(figures: Figures) -> Markup:
    """The difference with its interval, on a line with zero and the least that was asked for."""
    found = figures.difference
    scale = Scale.over([found], figures.minimum)
    words = (
        f"Difference {found.mean:+.3f}, between {found.low:+.3f} and {found.high:+.3f}; "
        f"zero and the least asked for, {figures.minimum:+g}, are marked."
    )
    zero, minimum = scale.at(0), scale.at(figures.minimum)
    marks = [
        Markup('<line class="axis" x1="0" x2="100%" y1="58" y2="58"/>'),
        _line(zero, "zero", 77),
        _line(minimum, "minimum", 95),
        _whisker(scale, found, 46, 24),
        _text(zero, 90, "no difference", "zero"),
        _text(minimum, 108, f"at least {figures.minimum:+g} was asked for", "minimum"),
        _text(scale.at(found.mean), 20, f"{found.mean:+.3f}", "mean"),
    ]
    return _svg("interval", 112, words, marks)


def domain(found: Domain, scale: Scale) -> Markup:
    """One kind of tasks on a scale that all kinds share."""
    zero = Markup('<line class="zero" x1="{0:.2f}%" x2="{0:.2f}%" y1="0" y2="28"/>').format(scale.at(0))
    return _svg(
        "small", 28, f"{found.name}: {found.outcome}, {found.told}", [zero, _whisker(scale, found.difference, 6, 16)]
    )


def outcomes(figures: Figures) -> Markup:
    """Tasks won, tied and lost, as parts of one bar."""
    counts = (("won", figures.wins), ("tied", figures.ties), ("lost", figures.losses))
    total, left, parts = sum(count for _, count in counts) or 1, 0.0, []
    for name, count in counts:
        width = 100 * count / total
        parts.append(
            Markup('<rect class="{}" x="{:.2f}%" width="{:.2f}%" y="0" height="18"/>').format(name, left, width)
        )
        left += width
    return _svg("outcomes", 18, ", ".join(f"{count:,} {name}" for name, count in counts), parts)


def score(value: float, most: float, words: str, tone: str) -> Markup:
    """A score as a bar, on a scale that ends at `most`."""
    width = 100 * max(0.0, min(1.0, value / most)) if most else 0.0
    rest = Markup('<rect class="rest" x="0" width="100%" y="3" height="10" rx="5"/>')
    bar = Markup('<rect class="{}" x="0" width="{:.2f}%" y="3" height="10" rx="5"/>').format(tone, width)
    return _svg("score", 16, words, [rest, bar])


def _whisker(scale: Scale, found: Interval, top: int, height: int) -> Markup:
    tone = "bad" if found.high < 0 else "good" if found.low > 0 else "plain"
    low, high, mean = scale.at(found.low), scale.at(found.high), scale.at(found.mean)
    return Markup(
        '<g class="whisker {}"><rect x="{:.2f}%" width="{:.2f}%" y="{}" height="{}" rx="4"/>'
        '<circle cx="{:.2f}%" cy="{:.1f}" r="5"/></g>'
    ).format(tone, low, max(0.4, high - low), top, height, mean, top + height / 2)


def _line(place: float, name: str, end: int) -> Markup:
    return Markup('<line class="{0}" x1="{1:.2f}%" x2="{1:.2f}%" y1="34" y2="{2}"/>').format(name, place, end)


def _text(place: float, y: int, text: str, name: str) -> Markup:
    anchor = "start" if place < EDGE else "end" if place > 100 - EDGE else "middle"
    return Markup('<text class="{}" x="{:.2f}%" y="{}" text-anchor="{}">{}</text>').format(name, place, y, anchor, text)


def _svg(name: str, height: int, words: str, parts: Sequence[Markup]) -> Markup:
    return Markup('<svg class="drawing {}" width="100%" height="{}" role="img" aria-label="{}">{}</svg>').format(
        name, height, words, Markup().join(parts)
    )
