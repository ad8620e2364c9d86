"""The lineage as a picture: one SVG file, without scripts, that is read on a light page and on a dark one."""

from collections.abc import Mapping, Sequence
from html import escape
from statistics import median

from alma_mcp.design_store import SHORT
from evolve.evaluation import Evaluation, Rejection, Verdict
from evolve.views.lineage import Branch
from evolve.views.told import one_line, told

ACROSS, DOWN = 214, 46
WIDTH, HEIGHT = 176, 36
MARGIN, HEAD = 16, 74
LETTERS = 24
SCALE = ((0, 32, 77), (85, 91, 109), (165, 151, 108), (255, 234, 70))
"""Cividis, which people who do not see every colour can read; from the lowest score to the highest."""
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1b1f27 } .small { font-size: 11px; fill: #5b6472 }
.page { fill: #ffffff } .card { fill: #f4f6f9; stroke: #8a94a6 }
.edge { fill: none; stroke: #8a94a6; stroke-width: 1.4 } .other { stroke: #b35c00; stroke-dasharray: 2 4 }
.eliminated { stroke-dasharray: 5 3 } .rejected { stroke: #b3261e } .cross { fill: #b3261e }
.chip { stroke: #5b6472 } .none { fill: none }
@media (prefers-color-scheme: dark) {
  text { fill: #e8ebf0 } .small { fill: #a3adbd } .page { fill: #14171c } .card { fill: #20252d; stroke: #6b7686 }
  .edge { stroke: #6b7686 } .other { stroke: #f0a35e } .rejected { stroke: #ff8a80 } .cross { fill: #ff8a80 }
  .chip { stroke: #a3adbd }
}
"""

Spots = Mapping[str, tuple[float, float]]


def draw(branches: Sequence[Branch], benchmark: str) -> str:
    """The tree from left to right: a card for each design, its colour by its score on the benchmark."""
    spots = _spots(branches)
    width = max([MARGIN * 2 + ACROSS * max((each.depth for each in branches), default=0) + WIDTH, 640])
    height = HEAD + MARGIN + DOWN * max(1, sum(1 for _ in _leaves(branches)))
    low, high = _range(branches)
    size = f'width="{width}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {size} role="img">',
        f"<title>Lineage of the designs on {_safe(benchmark or 'no benchmark')}</title><style>{STYLE}</style>",
        f'<rect class="page" {size}/>',
        *_legend(benchmark, low, high),
        *(line for branch in branches for line in _edges(branch, spots)),
        *(_card(branch, spots[branch.entry.id], low, high) for branch in branches),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _range(branches: Sequence[Branch]) -> tuple[float, float]:
    """From the best score down to as far below the median, so that the good ones are told apart."""
    scores = [each.verdict.worth for each in branches if isinstance(each.verdict, Evaluation) and each.verdict.results]
    if not scores:
        return 0.0, 0.0
    high = max(scores)
    return max(min(scores), 2 * median(scores) - high), high


def _leaves(branches: Sequence[Branch]) -> list[str]:
    above = {branch.above for branch in branches}
    return [branch.entry.id for branch in branches if branch.entry.id not in above]


def _spots(branches: Sequence[Branch]) -> Spots:
    """The left middle of each card: leaves in rows, the others in the middle of what stands under them."""
    rows = {design: float(row) for row, design in enumerate(_leaves(branches))}
    below: dict[str, list[float]] = {}
    for branch in reversed(branches):
        design = branch.entry.id
        if design in below:
            rows[design] = (min(below[design]) + max(below[design])) / 2
        below.setdefault(branch.above, []).append(rows[design])
    depths = {branch.entry.id: branch.depth for branch in branches}
    return {design: (MARGIN + ACROSS * depths[design], HEAD + DOWN * (rows[design] + 0.5)) for design in depths}


def _edges(branch: Branch, spots: Spots) -> list[str]:
    ends = [(branch.above, "edge"), *((other, "edge other") for other in branch.others)]
    return [_edge(spots[parent], spots[branch.entry.id], kind) for parent, kind in ends if parent in spots]


def _edge(start: tuple[float, float], end: tuple[float, float], kind: str) -> str:
    left, right = start[0] + WIDTH, end[0]
    bend = max(18.0, abs(right - left) / 2)
    path = f"M{left:g} {start[1]:g}C{left + bend:g} {start[1]:g} {right - bend:g} {end[1]:g} {right:g} {end[1]:g}"
    return f'<path class="{kind}" d="{path}"/>'


def _card(branch: Branch, spot: tuple[float, float], low: float, high: float) -> str:
    entry, verdict = branch.entry, branch.verdict
    left, middle = spot
    name = one_line(entry.name) or entry.id[:SHORT]
    shown = name if len(name) <= LETTERS else f"{name[: LETTERS - 1]}…"
    state = told(verdict) if verdict else "not evaluated"
    crossed = f"; also from {', '.join(other[:SHORT] for other in branch.others)}" if branch.others else ""
    title = f"{name} ({entry.id[:SHORT]}): {state}{crossed}"
    return (
        f'<g><title>{_safe(title)}</title><rect class="card {_kind(verdict)}" x="{left:g}" y="{middle - HEIGHT / 2:g}"'
        f' width="{WIDTH}" height="{HEIGHT}" rx="5"/>{_chip(verdict, left + 14, middle, low, high)}'
        f'<text x="{left + 28:g}" y="{middle - 3:g}">{_safe(shown)}{" ⚭" if branch.others else ""}</text>'
        f'<text class="small" x="{left + 28:g}" y="{middle + 11:g}">{_safe(_figure(verdict))}</text></g>'
    )


def _kind(verdict: Verdict | None) -> str:
    match verdict:
        case Evaluation(eliminated=""):
            return "scored"
        case Evaluation():
            return "eliminated"
        case Rejection():
            return "rejected"
        case None:
            return ""


def _figure(verdict: Verdict | None) -> str:
    match verdict:
        case Evaluation(eliminated=""):
            return f"{verdict.worth:.3f}"
        case Evaluation():
            return f"about {verdict.worth:.3f}, out at {verdict.eliminated}"
        case Rejection():
            return f"rejected at {verdict.stage}"
        case None:
            return "not evaluated"


def _chip(verdict: Verdict | None, across: float, down: float, low: float, high: float) -> str:
    """The colour of a score; a cross where a design was rejected, a ring where there is nothing."""
    if isinstance(verdict, Rejection):
        return f'<text class="cross" x="{across - 5:g}" y="{down + 5:g}">✕</text>'
    if verdict is None or not verdict.results:
        return f'<circle class="chip none" cx="{across:g}" cy="{down:g}" r="6"/>'
    colour = _colour((verdict.worth - low) / (high - low) if high > low else 1.0)
    return f'<circle class="chip" cx="{across:g}" cy="{down:g}" r="7" fill="{colour}"/>'


def _colour(part: float) -> str:
    place = min(max(part, 0.0), 1.0) * (len(SCALE) - 1)
    left = min(int(place), len(SCALE) - 2)
    mixed = [a + (b - a) * (place - left) for a, b in zip(SCALE[left], SCALE[left + 1], strict=True)]
    return "#" + "".join(f"{round(each):02x}" for each in mixed)


def _legend(benchmark: str, low: float, high: float) -> list[str]:
    stops = "".join(f'<stop offset="{part / 3:.3f}" stop-color="{_colour(part / 3)}"/>' for part in range(4))
    below = 44
    return [
        f'<text x="{MARGIN}" y="26" style="font-weight:600">{_safe(benchmark or "not evaluated")}, search split</text>',
        f'<defs><linearGradient id="scale">{stops}</linearGradient></defs>',
        f'<text class="small" x="{MARGIN}" y="{below + 9}">≤{low:.3f}</text>',
        f'<rect class="chip" x="{MARGIN + 44}" y="{below}" width="110" height="11" fill="url(#scale)"/>',
        f'<text class="small" x="{MARGIN + 160}" y="{below + 9}">{high:.3f}</text>',
        f'<rect class="card eliminated" x="{MARGIN + 212}" y="{below}" width="20" height="11" rx="2"/>',
        f'<text class="small" x="{MARGIN + 238}" y="{below + 9}">eliminated, an estimate</text>',
        f'<text class="cross" x="{MARGIN + 378}" y="{below + 10}">✕</text>',
        f'<text class="small" x="{MARGIN + 394}" y="{below + 9}">rejected</text>',
        f'<path class="edge other" d="M{MARGIN + 456} {below + 6}h26"/>',
        f'<text class="small" x="{MARGIN + 488}" y="{below + 9}">⚭ another parent</text>',
    ]


def _safe(text: str) -> str:
    return escape(text)
