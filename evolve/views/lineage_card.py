"""One design in the picture of a lineage: its name, its score by colour, its interval on a scale that all share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from statistics import median
from typing import Literal

from alma_mcp.design_store import SHORT
from evolve.views.colours import colour
from evolve.views.lineage import Branch
from evolve.views.outcome import Outcome
from evolve.views.told import one_line

WIDTH = 208
HEIGHT, LOW_HEIGHT = 54, 22
LETTERS = 24
TRACK = 28, 196
"""From where to where, inside a card, the scale of the scores goes."""

Mark = Literal["champion", "finalist", "stepping stone", "control"]
SIGNS: Mapping[Mark, str] = {"champion": "★", "finalist": "▲", "stepping stone": "◆", "control": "○"}


@dataclass(frozen=True, slots=True)
class Look:
    """How designs are drawn.

    Colours go from `low` to `high`, intervals from `left` to `right`; each card has a line at `reference`, the score of
    the champion, where there is one. `link` gives where a design leads to, nothing in a picture that stands alone.
    """

    low: float = 0.0
    high: float = 0.0
    left: float = 0.0
    right: float = 1.0
    reference: float | None = None
    marks: Mapping[str, Sequence[Mark]] = field(default_factory=dict)
    link: Callable[[str], str] | None = None

    def part(self, score: float) -> float:
        """How far a score lies from the lowest colour to the highest."""
        return (score - self.low) / (self.high - self.low) if self.high > self.low else 1.0

    def across(self, score: float) -> float:
        """Where a score lies inside a card."""
        span = self.right - self.left
        part = (score - self.left) / span if span else 0.5
        return TRACK[0] + (TRACK[1] - TRACK[0]) * min(max(part, 0.0), 1.0)


def look_at(
    branches: Sequence[Branch],
    marks: Mapping[str, Sequence[Mark]] | None = None,
    link: Callable[[str], str] | None = None,
) -> Look:
    """The look of these designs: colours from the best score down to as far below the median, so that the good ones are
    told apart, and a scale wide enough for every interval.
    """
    marks = marks or {}
    outcomes = {each.entry.id: each.outcome for each in branches if each.outcome}
    scores = [each.worth for each in outcomes.values() if each.worth is not None]
    if not scores:
        return Look(marks=marks, link=link)
    ends = [end for each in outcomes.values() if each.interval for end in (each.interval.low, each.interval.high)]
    champion = next((design for design, found in marks.items() if "champion" in found), "")
    best = outcomes.get(champion)
    return Look(
        low=_lowest(scores),
        high=max(scores),
        left=min([*ends, *scores]),
        right=max([*ends, *scores]),
        reference=best.worth if best else None,
        marks=marks,
        link=link,
    )


def _lowest(scores: Sequence[float]) -> float:
    """As far below the median as the best is above it; the worst where the best is no better than the median."""
    low = max(min(scores), 2 * median(scores) - max(scores))
    return low if low < max(scores) else min(scores)


def height_of(branch: Branch) -> int:
    """A design without a score takes one line."""
    return HEIGHT if branch.outcome and branch.outcome.worth is not None else LOW_HEIGHT


def card(branch: Branch, spot: tuple[float, float], look: Look, behind: str = "") -> str:
    """The design, with the middle of its left side at this spot; what is drawn `behind` it belongs to its link."""
    entry, result = branch.entry, branch.outcome
    left, top = spot[0], spot[1] - height_of(branch) / 2
    marks = look.marks.get(entry.id, ())
    classes = " ".join(["card", result.kind if result else "", *(mark.replace(" ", "-") for mark in marks)])
    drawn = (
        f'<g transform="translate({left:g} {top:g})"><title>{escape(said(branch, marks))}</title>'
        f'<rect class="{classes.strip()}" width="{WIDTH}" height="{height_of(branch)}" rx="6"/>'
        f"{_chip(result, look)}{_texts(branch, marks)}{_scale(result, look)}</g>"
    )
    if look.link is None:
        return behind + drawn
    return f'<a href="{escape(look.link(entry.id))}" aria-label="{escape(said(branch, marks))}">{behind}{drawn}</a>'


def said(branch: Branch, marks: Sequence[Mark] = ()) -> str:
    """A design and what became of it in one sentence."""
    entry = branch.entry
    state = branch.outcome.told if branch.outcome else "not evaluated"
    crossed = f"; also from {', '.join(other[:SHORT] for other in branch.others)}" if branch.others else ""
    marked = f"; {', '.join(marks)}" if marks else ""
    return f"{one_line(entry.name) or 'nameless'} ({entry.id[:SHORT]}): {state}{crossed}{marked}"


def _texts(branch: Branch, marks: Sequence[Mark]) -> str:
    entry, result = branch.entry, branch.outcome
    name = one_line(entry.name) or entry.id[:SHORT]
    crossed = " ⚭" if branch.others else ""
    if height_of(branch) == LOW_HEIGHT:
        figure = f"at {result.stage}" if result else "not evaluated"
        room = max(6, LETTERS + 4 - len(figure))
        return (
            f'<text x="{TRACK[0]}" y="15">{escape(_cut(name, room))}{crossed}</text>'
            f'<text class="small end" x="{TRACK[1] + 4}" y="15" text-anchor="end">{escape(figure)}</text>'
        )
    signs = "".join(f'<tspan class="{mark.replace(" ", "-")}">{SIGNS[mark]}</tspan>' for mark in marks)
    figure = result.figure if result else ""
    return (
        f'<text x="{TRACK[0]}" y="17">{escape(_cut(name, LETTERS - 2 * len(marks)))}{crossed}</text>'
        f'<text class="small" x="{TRACK[0]}" y="32">{escape(figure)}</text>'
        + (f'<text class="signs" x="{TRACK[1] + 4}" y="17" text-anchor="end">{signs}</text>' if signs else "")
    )


def _scale(result: Outcome | None, look: Look) -> str:
    """The interval as a line with the score on it, beside the champion's score."""
    if result is None or result.worth is None:
        return ""
    track = f'<path class="track" d="M{TRACK[0]} 44H{TRACK[1]}"/>'
    usual = "" if look.reference is None else f'<path class="reference" d="M{look.across(look.reference):.1f} 39v10"/>'
    whisker = ""
    if each := result.interval:
        whisker = f'<path class="interval" d="M{look.across(each.low):.1f} 44H{look.across(each.high):.1f}"/>'
    sort, left = "point" if result.interval else "point guess", look.across(result.worth) - 2
    return f'{track}{usual}{whisker}<rect class="{sort}" x="{left:.1f}" y="40" width="4" height="8"/>'


def _chip(result: Outcome | None, look: Look) -> str:
    """The colour of a score; a cross where a design was rejected, a ring where there is nothing."""
    if result and result.kind == "rejected":
        return '<text class="cross" x="9" y="15">✕</text>'
    if result is None or result.worth is None:
        return '<circle class="chip none" cx="14" cy="11" r="5"/>'
    return f'<circle class="chip" cx="14" cy="14" r="7" fill="{colour(look.part(result.worth))}"/>'


def _cut(text: str, letters: int) -> str:
    return text if len(text) <= letters else f"{text[: letters - 1]}…"
