"""The lineage as a picture: one SVG file, without scripts, that is read on a light page and on a dark one."""

from collections.abc import Mapping, Sequence
from html import escape

from evolve.views.colours import gradient
from evolve.views.lineage import Branch
from evolve.views.lineage_card import WIDTH, Look, card, height_of, look_at

ACROSS, GAP = 250, 8
MARGIN, HEAD, EDGE = 16, 74, 3
CROWD = 60
"""With more designs than these, what leads to other parents is shown of one design at a time."""
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1b1f27 } .small { font-size: 11px; fill: #5b6472 }
.page { fill: #ffffff } .card { fill: #f4f6f9; stroke: #8a94a6 }
.edge { fill: none; stroke: #8a94a6; stroke-width: 1.4 } .other { stroke: #b35c00; stroke-dasharray: 2 4 }
.eliminated { stroke-dasharray: 5 3 } .rejected { stroke: #b3261e } .cross { fill: #b3261e }
.chip { stroke: #5b6472 } .none { fill: none } .track { stroke: #d5dae2; fill: none }
.interval { stroke: #1f5fbf; stroke-width: 3; fill: none } .point { fill: #1b1f27 } .guess { fill: #8a94a6 }
@media (prefers-color-scheme: dark) {
  text { fill: #e8ebf0 } .small { fill: #a3adbd } .page { fill: #14171c } .card { fill: #20252d; stroke: #6b7686 }
  .edge { stroke: #6b7686 } .other { stroke: #f0a35e } .rejected { stroke: #ff8a80 } .cross { fill: #ff8a80 }
  .chip { stroke: #a3adbd } .track { stroke: #3a424e } .interval { stroke: #7db1ff } .point { fill: #e8ebf0 }
}
"""

Spots = Mapping[str, tuple[float, float]]


def draw(branches: Sequence[Branch], benchmark: str) -> str:
    """The tree from left to right, as a file of its own: a card for each design, its colour by its score."""
    look = look_at(branches)
    spots, width, height = _spots(branches, HEAD)
    size = f'width="{width:g}" height="{height:g}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" {size} role="img">',
        f"<title>Lineage of the designs on {escape(benchmark or 'no benchmark')}</title><style>{STYLE}</style>",
        f'<rect class="page" {size}/>',
        *_legend(benchmark, look),
        *_drawn(branches, spots, look),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def draw_inside(branches: Sequence[Branch], look: Look, label: str) -> str:
    """The same as a part of a page, whose stylesheet colours it and whose text explains it; links stay links."""
    spots, width, height = _spots(branches, EDGE)
    size = f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}"'
    kind = "tree crowded" if len(branches) > CROWD else "tree"
    head = f'<svg class="{kind}" {size} role="group" aria-label="{escape(label)}">'
    return "\n".join([head, *_drawn(branches, spots, look), "</svg>"]) + "\n"


def _drawn(branches: Sequence[Branch], spots: Spots, look: Look) -> list[str]:
    edges = [_edge(spots[each.above], spots[each.entry.id], "edge") for each in branches if each.above in spots]
    return [*edges, *(card(each, spots[each.entry.id], look, _others(each, spots)) for each in branches)]


def _spots(branches: Sequence[Branch], head: int) -> tuple[Spots, float, float]:
    """The middle of each card's left side: leaves one below the other, the rest in the middle of what stands under
    them. And how wide and high that is.
    """
    middles: dict[str, float] = {}
    below: dict[str, list[float]] = {}
    bottom = float(head)
    parents = {branch.above for branch in branches}
    for branch in branches:
        if branch.entry.id not in parents:
            height = height_of(branch)
            middles[branch.entry.id] = bottom + height / 2
            bottom += height + GAP
    for branch in reversed(branches):
        design = branch.entry.id
        if design in below:
            middles[design] = (min(below[design]) + max(below[design])) / 2
        below.setdefault(branch.above, []).append(middles[design])
    deepest = max((each.depth for each in branches), default=0)
    width = max(MARGIN * 2 + ACROSS * deepest + WIDTH, 640 if head == HEAD else 0)
    spots = {each.entry.id: (MARGIN + ACROSS * each.depth, middles[each.entry.id]) for each in branches}
    return spots, width, max(bottom, 2.0 * head) + GAP


def _others(branch: Branch, spots: Spots) -> str:
    """What leads to a design from its other parents."""
    end = spots[branch.entry.id]
    return "".join(_edge(spots[parent], end, "edge other") for parent in branch.others if parent in spots)


def _edge(start: tuple[float, float], end: tuple[float, float], kind: str) -> str:
    left, right = start[0] + WIDTH, end[0]
    bend = max(18.0, abs(right - left) / 2)
    path = f"M{left:g} {start[1]:g}C{left + bend:g} {start[1]:g} {right - bend:g} {end[1]:g} {right:g} {end[1]:g}"
    return f'<path class="{kind}" d="{path}"/>'


def _legend(benchmark: str, look: Look) -> list[str]:
    below, name = 44, escape(benchmark or "not evaluated")
    return [
        f'<text x="{MARGIN}" y="26" style="font-weight:600">{name}, search split</text>',
        gradient("scale"),
        f'<text class="small" x="{MARGIN}" y="{below + 9}">≤{look.low:.3f}</text>',
        f'<rect class="chip" x="{MARGIN + 44}" y="{below}" width="110" height="11" fill="url(#scale)"/>',
        f'<text class="small" x="{MARGIN + 160}" y="{below + 9}">{look.high:.3f}</text>',
        f'<rect class="card eliminated" x="{MARGIN + 212}" y="{below}" width="20" height="11" rx="2"/>',
        f'<text class="small" x="{MARGIN + 238}" y="{below + 9}">eliminated, an estimate</text>',
        f'<text class="cross" x="{MARGIN + 378}" y="{below + 10}">✕</text>',
        f'<text class="small" x="{MARGIN + 394}" y="{below + 9}">rejected</text>',
        f'<path class="edge other" d="M{MARGIN + 456} {below + 6}h26"/>',
        f'<text class="small" x="{MARGIN + 488}" y="{below + 9}">⚭ another parent</text>',
    ]
