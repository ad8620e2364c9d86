"""The page Evolution: the tree of designs, and a page for each design."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from alma_mcp.dashboard.highlight import diff, python
from alma_mcp.dashboard.section import Shown
from alma_mcp.errors import DesignUnknown, StoreError
from alma_mcp.evidence.static_audit import audit
from evolve.archive import Archive, Entry
from evolve.at_work import searching
from evolve.dashboard.champion import champion_of
from evolve.dashboard.reader import Reader
from evolve.dashboard.tree import Outcomes, Tree, tree
from evolve.evaluation import Evaluation, Rejection, TaskResult
from evolve.views.design_view import design_data
from evolve.views.expenses import Spent
from evolve.views.lineage_card import SIGNS

EXAMPLE = "alma-evolve run --config configs/evolve/locomo.toml"
MOST_TASKS = 300


@dataclass(slots=True)
class Evolution:
    """The views of the section."""

    reader: Reader
    _outcomes: Outcomes = field(default_factory=Outcomes)

    async def tree(self, request: Request) -> Shown:
        """The tree of `?run=`; with `?failures=no` without those that led nowhere."""
        asked, failures = request.query_params.get("run", ""), request.query_params.get("failures") != "no"

        champion = await asyncio.to_thread(champion_of, self.reader.home)

        def look(archive: Archive) -> Tree:
            return tree(archive, asked, champion, self._outcomes, failures=failures)

        found = await self.reader.read_once(("tree", asked, failures, champion), look)
        values = {"tree": found, "failures": failures, "whole": asked == "all", "signs": SIGNS, "example": EXAMPLE}
        return Shown("evolution.html", {**values, "at_work": searching(self.reader.home)})

    async def design(self, request: Request) -> Shown:
        """All that is known of one design. Raises `DesignUnknown`."""
        reference = request.path_params["design"]
        values = await self.reader.read(lambda archive: self._design(archive, archive.entry(reference)))
        if values is None:
            raise DesignUnknown(f"There is no archive here yet, so no design {reference!r}; `{EXAMPLE}` begins one.")
        return Shown("evolution_design.html", values)

    def _design(self, archive: Archive, entry: Entry) -> Mapping[str, Any]:
        data = design_data(archive, entry)
        verdicts = archive.verdicts(entry.id)
        source = data["source"]
        parent = next((each for each in data["parents"] if each["name"]), None)
        return {
            "data": data,
            "champion": champion_of(self.reader.home) == entry.id,
            "rejections": [verdict for _, _, verdict in verdicts if isinstance(verdict, Rejection)],
            "played": [_played(name, split, verdict) for name, split, verdict in verdicts],
            "costs": {who: str(Spent(**cost)) for who, cost in data["costs"].items()},
            "openings": [each for each in archive.openings.history() if entry.id in (each.challenger, each.champion)],
            "names": {each.id: each.name for each in archive.entries()},
            "audit": audit(source),
            "code": python(source),
            "lines": source.count("\n") + 1,
            "parent": parent,
            "diff": _difference(archive, parent, entry, source) if parent else None,
        }


@dataclass(frozen=True, slots=True)
class Played:
    """The tasks of one evaluation, the worst first; `left_out` more are not listed."""

    benchmark: str
    split: str
    primary: str
    controls: Sequence[tuple[str, float, str]]
    tasks: Sequence[TaskResult]
    left_out: int


def _played(benchmark: str, split: str, verdict: Evaluation | Rejection) -> Played | None:
    if isinstance(verdict, Rejection):
        return None
    ordered = sorted(verdict.results, key=lambda each: (each.metrics.get(verdict.primary, 0.0), each.task, each.seed))
    gains = verdict.gains
    controls = [(name, mean, str(gains[name])) for name, mean in verdict.controls.items()]
    left_out = max(0, len(ordered) - MOST_TASKS)
    return Played(benchmark, split, verdict.primary, controls, ordered[:MOST_TASKS], left_out)


def _difference(archive: Archive, parent: Mapping[str, str], entry: Entry, source: str) -> Any:
    """What was changed in the first parent; None where its source is not here any more."""
    try:
        before = archive.design(archive.entry(parent["id"])).source
    except StoreError:
        return None
    return diff(before, source, parent["name"], entry.name)
