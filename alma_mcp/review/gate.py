"""What the gate found, in sentences: the comparison, each kind of tasks, each task, the controls."""

from collections.abc import Iterator
from typing import Literal

from alma_mcp.evidence.dossier import DomainResult, Dossier, Interval
from alma_mcp.review.parts import Domain, Figures, Part, Table, Task
from alma_mcp.visible_text import one_line

CONTROLS = {
    "no_memory": "without any memory",
    "empty": "with its memory empty: what its code knows by itself",
    "shuffled": "with the memories of other tasks: what any memory would give",
}
HONEST = (
    "An honest memory scores little without its memories. A high score with an empty memory is knowledge in the code."
)
Outcome = tuple[str, Literal["good", "bad", "plain"]]
UNCLEAR: Outcome = ("no clear difference", "plain")
OUTCOMES = {"win": "won", "tie": "tied", "loss": "lost"}


def gate_of(dossier: Dossier) -> Part:
    """The comparison with the champion, on tasks that the search never saw."""
    return Part("What was found", (*_found(dossier), *_reach(dossier)))


def figures_of(dossier: Dossier) -> Figures:
    """What is drawn of the comparison."""
    return Figures(dossier.difference, dossier.minimum_effect, dossier.wins, dossier.ties, dossier.losses)


def domains_of(dossier: Dossier) -> tuple[Domain, ...]:
    """A row for each kind of tasks of this opening, then what was paid for before."""
    return tuple(map(_domain, dossier.domains))


def tasks_of(dossier: Dossier) -> tuple[Task, ...]:
    """A row for each task: what was lost first, then what was won."""
    rank = {"loss": 0, "win": 1, "tie": 2}
    ordered = sorted(dossier.results, key=lambda each: (rank[each.outcome], -abs(each.difference), each.task))
    return tuple(
        Task(
            one_line(each.task), one_line(each.kind) or "-", f"{each.challenger:.3f}", f"{each.champion:.3f}",
            OUTCOMES[each.outcome], dossier.plays(each.task),
        )
        for each in ordered
    )  # fmt: skip


def controls_of(dossier: Dossier) -> Part:
    """What the challenger scores without what a memory should need."""
    scored = f"{dossier.challenger.score.mean:.3f}"
    rows = [("as it is", scored), *((_control(name), f"{score:.3f}") for name, score in dossier.controls.items())]
    return Part("Controls", (HONEST,), Table(("Scores of the challenger", "1 is the most"), tuple(rows)))


def _control(name: str) -> str:
    return f"{one_line(name)}, {CONTROLS[name]}" if name in CONTROLS else one_line(name)


def _found(dossier: Dossier) -> Iterator[str]:
    new, old, p_value = dossier.challenger.score, dossier.champion.score, f"p = {dossier.p_value:.5f}"
    named = f"{one_line(dossier.benchmark)}, {one_line(dossier.split)} split"
    opened = f"the gate was opened for the {_ordinal(dossier.opening)} time"
    yield f"{named}: {dossier.tasks:,} tasks that the search never saw; {opened}."
    yield f"It scores {new.mean:.3f}, the champion {old.mean:.3f}. Difference {interval(dossier.difference)}."
    yield f"Asked for: a difference of at least {dossier.minimum_effect:g}, and {p_value} below {dossier.alpha:.4f}."
    yield f"Tasks won {dossier.wins:,}, tied {dossier.ties:,}, lost {dossier.losses:,}."


def interval(found: Interval) -> str:
    """A difference, and between what it lies with 95 % certainty; a gain has a plus."""
    return f"{found.mean:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"


def _reach(dossier: Dossier) -> Iterator[str]:
    """What could have been found, of what it was found, and what that cost; nothing where an older dossier lacks it."""
    if dossier.detectable is not None:
        yield f"So many tasks show a difference of {dossier.detectable:.3f} in four of five cases."
    if dossier.planned:
        yield f"Tasks compared {dossier.tasks:,} of {dossier.planned:,}; plays missing in pairs {dossier.missing:,}."
    if dossier.finalists:
        scores = ", ".join(f"{one_line(each.name)} {each.score:.3f}" for each in dossier.finalists)
        yield f"Chosen before the gate opened, by validation, from: {scores}."
    if cost := dossier.cost:
        agent = f"{cost.episodes:,} of them by an agent with {cost.agent_tokens:,} tokens"
        design = f"the designs asked a model {cost.design_calls:,} times, {cost.design_tokens:,} tokens"
        yield f"Cost: {cost.plays:,} plays with controls, {agent}; {design}; {dossier.seconds:,.0f} s."


def _domain(found: DomainResult) -> Domain:
    seen = ", seen by the search: proves less" if found.seen else ""
    where = "" if found.split == "gate" else f" ({one_line(found.split)} split{seen})"
    name = f"{one_line(found.kind) or one_line(found.benchmark)}{where}"
    low, high = found.difference.low, found.difference.high
    outcome: Outcome = ("worse", "bad") if high < 0 else ("better", "good") if low > 0 else UNCLEAR
    return Domain(
        name, f"{found.tasks:,}", f"{found.challenger:.3f}", f"{found.champion:.3f}", interval(found.difference),
        *outcome, found.difference,
    )  # fmt: skip


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
