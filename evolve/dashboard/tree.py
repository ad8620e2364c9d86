"""The tree of designs of one run, as the page Evolution shows it."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from alma_mcp.design_store import Design
from evolve.archive import Archive, Entry, Run
from evolve.archive.openings import Opening
from evolve.dashboard.fragments import fragment
from evolve.evaluation import from_json
from evolve.gate import FINALISTS
from evolve.views.colours import colour
from evolve.views.lineage import grow, stepping_stones, with_ancestors
from evolve.views.lineage_card import Mark, look_at
from evolve.views.lineage_svg import draw_inside
from evolve.views.outcome import Outcome, outcome
from evolve.views.standings import one_benchmark, standings

SWATCHES = 24
MOST_OUTCOMES = 20_000


@dataclass(frozen=True, slots=True)
class Row:
    """One design in words. `colour` is that of its score, empty where it has none."""

    entry: Entry
    outcome: Outcome | None
    marks: Sequence[Mark]
    parents: Sequence[Entry]
    colour: str = ""


@dataclass(frozen=True, slots=True)
class Tree:
    """What is shown, in a picture and as a table. `run` is None where it is the whole archive; `left_out` counts the
    failures that are not drawn, `others` the designs of the archive that are not of this run.
    """

    run: Run | None
    runs: Sequence[Run]
    benchmark: str
    rows: Sequence[Row]
    picture: Markup
    table: Markup
    low: float
    high: float
    swatches: Sequence[str]
    left_out: int
    others: int
    openings: Sequence[Opening]
    names: Mapping[str, str]

    def count(self, kind: str) -> int:
        """How many designs ended so."""
        return sum(1 for row in self.rows if row.outcome and row.outcome.kind == kind)

    @property
    def best(self) -> Row | None:
        """The best that was played whole."""
        return next((row for row in self.rows if row.outcome and row.outcome.kind == "scored"), None)


@dataclass(slots=True)
class Outcomes:
    """Outcomes by the text of their verdict: an interval takes a while, and a verdict seldom changes."""

    _known: dict[bytes, Outcome] = field(default_factory=dict)

    def of(self, texts: Mapping[str, str]) -> dict[str, Outcome]:
        """The outcomes of these verdicts, by design."""
        return {design: self._outcome(text) for design, text in texts.items()}

    def _outcome(self, text: str) -> Outcome:
        key = hashlib.sha256(text.encode()).digest()
        if key not in self._known:
            if len(self._known) >= MOST_OUTCOMES:
                self._known.clear()
            self._known[key] = outcome(from_json(text))
        return self._known[key]


def tree(archive: Archive, asked: str, champion: str, known: Outcomes, *, failures: bool = True) -> Tree:
    """The tree of the run with this number, of the latest where none is asked for, of the whole archive for `all`.

    Without `failures` those that were eliminated or rejected are left out, unless something good came of them.
    """
    runs = archive.journal.runs()
    run = next((each for each in runs if str(each.id) == asked), runs[-1] if runs and asked != "all" else None)
    benchmark = (run or runs[-1]).benchmark if runs else one_benchmark(archive, standings(archive), "")
    outcomes = known.of(archive.verdict_texts(benchmark))
    entries = archive.entries()
    shown = _of_run(archive, entries, run, outcomes) if run else entries
    drawn = shown if failures else _without_failures(shown, outcomes)
    marks = _marks(archive, shown, benchmark, outcomes, champion)
    branches = grow(drawn, outcomes)
    look = look_at(branches, marks, lambda design: f"/evolution/designs/{design}")
    there = {entry.id: entry for entry in entries}
    rows = [_row(entry, there, outcomes, marks, look.part) for entry in _best_first(shown, outcomes)]
    label = f"Tree of {len(drawn)} designs; the table below says the same"
    return Tree(
        run=run,
        runs=runs,
        benchmark=benchmark,
        rows=rows,
        table=fragment("evolution_table.html", rows=rows),
        picture=Markup(draw_inside(branches, look, label)),  # noqa: S704 - every text in it is escaped
        low=look.low,
        high=look.high,
        swatches=[colour(place / (SWATCHES - 1)) for place in range(SWATCHES)],
        left_out=len(shown) - len(drawn),
        others=len(entries) - len(shown),
        openings=[each for each in archive.openings.history() if each.benchmark == benchmark][::-1],
        names={design: entry.name for design, entry in there.items()},
    )


def _of_run(archive: Archive, entries: Sequence[Entry], run: Run, outcomes: Mapping[str, Outcome]) -> list[Entry]:
    """What the run began with and was judged on its benchmark, what it made, and whatever that came from."""
    made = {design for design, _ in _made(archive, run)}
    return with_ancestors(entries, made | {design for design in run.known if design in outcomes})


def _made(archive: Archive, run: Run) -> list[tuple[str, bool]]:
    """The designs that a run has made, and whether each is a control."""
    found = []
    for _, body in archive.journal.steps(run):
        proposal = body.get("proposal")
        design = body.get("design") or (Design(proposal["source"]).id if proposal else "")
        if design:
            found.append((str(design), bool(body.get("control"))))
    return found


def _without_failures(entries: Sequence[Entry], outcomes: Mapping[str, Outcome]) -> list[Entry]:
    kept: set[str] = set()
    needed: set[str] = set()
    for entry in reversed(entries):
        result = outcomes.get(entry.id)
        if result is None or result.kind == "scored" or entry.id in needed:
            kept.add(entry.id)
            needed.update(entry.parents)
    return [entry for entry in entries if entry.id in kept]


def _marks(
    archive: Archive, entries: Sequence[Entry], benchmark: str, outcomes: Mapping[str, Outcome], champion: str
) -> dict[str, list[Mark]]:
    """Finalists are those of the latest challenge, or else those that the gate would choose from now."""
    ranked = [entry.id for entry in _best_first(entries, outcomes) if entry.id != champion]
    whole = [design for design in ranked if design in outcomes and outcomes[design].kind == "scored"]
    finalists = archive.openings.finalists(benchmark) or tuple(whole[:FINALISTS])
    controls = {
        design
        for run in archive.journal.runs()
        if run.benchmark == benchmark
        for design, control in _made(archive, run)
        if control
    }
    found: dict[str, list[Mark]] = {}
    groups: tuple[tuple[Mark, frozenset[str]], ...] = (
        ("champion", frozenset({champion})),
        ("finalist", frozenset(finalists)),
        ("stepping stone", stepping_stones(entries, outcomes)),
        ("control", frozenset(controls)),
    )
    for mark, designs in groups:
        for design in designs:
            found.setdefault(design, []).append(mark)
    return found


def _best_first(entries: Sequence[Entry], outcomes: Mapping[str, Outcome]) -> list[Entry]:
    order = ("scored", "eliminated", "rejected")

    def place(entry: Entry) -> tuple[int, float]:
        result = outcomes.get(entry.id)
        if result is None:
            return len(order), 0.0
        return order.index(result.kind), -(result.worth if result.worth is not None else -1.0)

    return sorted(entries, key=place)


def _row(
    entry: Entry,
    there: Mapping[str, Entry],
    outcomes: Mapping[str, Outcome],
    marks: Mapping[str, Sequence[Mark]],
    part: Callable[[float], float],
) -> Row:
    result = outcomes.get(entry.id)
    parents = [there[each] for each in entry.parents if each in there]
    tint = colour(part(result.worth)) if result and result.worth is not None else ""
    return Row(entry, result, marks.get(entry.id, ()), parents, tint)
