"""One candidate of one round: choose parents, propose, verify, evaluate, archive. Nothing else knows the order."""

import hashlib
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from alma_mcp.design_store import Design
from evolve.archive import Archive, Cost, Run
from evolve.errors import ProposalFailed
from evolve.evaluation import Rejection, Verdict
from evolve.judging import Moves
from evolve.meta.bandit import Tried
from evolve.meta.brief import Brief, Desk, Proposal, Proposer
from evolve.meta.briefing import Briefing
from evolve.meta.lessons import Forbidden, learn
from evolve.meta.novelty import why_not_new
from evolve.seen import Seen


@dataclass(frozen=True, slots=True)
class Place:
    """Which candidate of which round of which run this is; chance is a function of it.

    `control` candidates are made from scratch, whatever the search has found: what it must beat.
    """

    run: Run
    round: int
    candidate: int
    seed: int
    control: bool = False

    @property
    def step(self) -> str:
        return f"{self.round}.{self.candidate}"

    @property
    def chance(self) -> int:
        text = f"{self.seed}/{self.run.id}/{self.step}"
        return int(hashlib.sha256(text.encode()).hexdigest()[:12], 16)


@dataclass(frozen=True, slots=True)
class Proposed:
    """What came of asking for a design: one that can be judged unless there is a `rejection`."""

    design: Design | None
    rejection: Rejection | None = None


Judge = Callable[[Design, Seen, Callable[[Cost], None], Moves], Awaitable[Verdict]]
"""Evaluates a design that can be evaluated."""


@dataclass(frozen=True, slots=True)
class Round:
    """What every candidate of a search is made and judged with.

    `spend` is told of a cost by its step; no lesson says what is `secret`.
    """

    archive: Archive
    briefing: Briefing
    proposer: Proposer
    judge: Judge
    spend: Callable[[str, Cost], None]
    secret: Forbidden
    clock: Callable[[], float]

    async def propose(
        self, place: Place, seen: Seen, before: Collection[str], drafts: Sequence[Design], desk: Desk
    ) -> Proposed:
        """A new design, or why there is none that can be evaluated; what is in the journal is not asked for again.

        `before` are the steps that are through, `drafts` the designs of siblings in flight.
        """
        recorded = self.archive.journal.recorded(place.run, place.step)
        if recorded is None:
            tried = self._tried(place.run, seen, before)
            brief = await self.briefing.brief(seen, place.chance, control=place.control, tried=tried, drafts=drafts)
            recorded = await self._asked(brief, desk)
            told = recorded.get("proposal", {}).get("parents")
            recorded["parents"] = told or [each.design.id for each in brief.parents]
            recorded["control"] = place.control
            self.archive.journal.record(place.run, place.step, recorded)
        if "rejection" in recorded:
            return Proposed(None, Rejection(**recorded["rejection"]))
        proposal = Proposal(**recorded["proposal"])
        number = hashlib.sha256(proposal.source.encode()).hexdigest()[:6]
        design = Design(proposal.source, f"{self.proposer.name}-{number}")
        self.archive.add(design, self.proposer.name, proposal.hypothesis, recorded["parents"], self.clock())
        return Proposed(design, Rejection(**proposal.rejection) if proposal.rejection else None)

    async def become(
        self, place: Place, design: Design, seen: Seen, siblings: Sequence[Design], desk: Desk, moves: Moves
    ) -> Verdict:
        """Judge a design, unless it is only what a sibling in flight is already."""
        known = self.archive.verdict(design.id, self.briefing.benchmark, "search")
        if known is not None:
            return known
        rejection = why_not_new(design.source, siblings, strict=False) or await desk.try_out(design.source)
        if rejection:
            return rejection
        return await self.judge(design, seen, lambda cost: self.spend(place.step, cost), moves)

    def keep(self, place: Place, seen: Seen, design: Design | None, verdict: Verdict) -> None:
        """Archive what became of a candidate, and what it has taught, in one piece.

        A copy of a design that was there is rejected as a candidate; the design itself is not.
        """
        journal, benchmark = self.archive.journal, self.briefing.benchmark
        recorded = dict(journal.recorded(place.run, place.step) or {})
        known = {entry.id for entry in seen.entries}
        with self.archive.transaction():
            copied = design is not None and design.id in known and isinstance(verdict, Rejection)
            if design is not None and not copied and self.archive.verdict(design.id, benchmark, "search") is None:
                self.archive.judge(design.id, benchmark, "search", verdict)
                self._teach(design, recorded, seen, verdict)
            outcome = "rejected" if isinstance(verdict, Rejection) else "evaluated"
            through = {**recorded, "design": design.id if design else "", "outcome": outcome}
            journal.record(place.run, place.step, through)

    def _tried(self, run: Run, seen: Seen, before: Collection[str]) -> list[Tried]:
        """The candidates of these steps: who wrote them, what they gained, what they cost."""
        costs: dict[str, list[Cost]] = {}
        for step, cost in self.archive.journal.costs(run):
            if cost.what == "meta" and step in before:
                costs.setdefault(step, []).append(cost)
        gains = {step: seen.gain(str(body.get("design", ""))) for step, body in self.archive.journal.steps(run)}
        tried = []
        for step, paid in costs.items():
            priced = [cost.dollars for cost in paid if cost.dollars is not None]
            dollars = sum(priced) if len(priced) == len(paid) else None
            tried.append(Tried(paid[-1].who, gains.get(step, 0.0), dollars))
        return sorted(tried, key=lambda each: (each.model, each.gain))

    async def _asked(self, brief: Brief, desk: Desk) -> dict[str, Any]:
        try:
            return {"proposal": asdict(await self.proposer.propose(brief, desk))}
        except ProposalFailed as error:
            return {"rejection": asdict(Rejection("", "proposal", str(error)))}

    def _teach(self, design: Design, recorded: Mapping[str, Any], seen: Seen, verdict: Verdict) -> None:
        parents = [each for each in recorded["parents"] if each in seen.evaluations]
        inherited = [lesson for parent in parents for lesson in self.archive.lessons(parent)]
        of_parent = seen.evaluations[parents[0]] if parents else None
        claim, told = recorded["proposal"]["hypothesis"], recorded["proposal"].get("lessons", ())
        learnt = learn(inherited, claim, verdict, of_parent, told=told, secret=self.secret)
        self.archive.teach(design.id, learnt)
