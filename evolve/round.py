"""One candidate of one round: choose parents, propose, verify, evaluate, archive. Nothing else knows the order."""

import hashlib
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from alma_mcp.design_store import Design
from evolve.archive import Archive, Run
from evolve.benchmarks import Benchmark
from evolve.errors import ProposalFailed
from evolve.evaluate import Progress, evaluate
from evolve.evaluated_memory import Laboratory
from evolve.evaluation import Rejection, Verdict
from evolve.propose import Brief, Parent, Proposal, Proposer
from evolve.selection import Candidate, Sampler
from evolve.verify import verify

RECENT_FAILURES = 5
PARENTS = 2


@dataclass(frozen=True, slots=True)
class Place:
    """Which candidate of which round of which run this is; chance is a function of it."""

    run: Run
    round: int
    candidate: int
    seed: int

    @property
    def step(self) -> str:
        return f"{self.round}.{self.candidate}"

    @property
    def chance(self) -> int:
        text = f"{self.seed}/{self.run.id}/{self.step}"
        return int(hashlib.sha256(text.encode()).hexdigest()[:12], 16)


@dataclass(frozen=True, slots=True)
class Round:
    """What every candidate of a search is made and judged with."""

    archive: Archive
    benchmark: Benchmark
    laboratory: Laboratory
    proposer: Proposer
    sampler: Sampler
    clock: Callable[[], float]

    async def candidate(self, place: Place, progress: Progress | None = None) -> Verdict:
        """Make and judge one candidate; what is in the journal already is not done again."""
        brief = self.brief(place.chance)
        design = await self._propose(place, brief)
        if isinstance(design, Rejection):
            return design
        verdict = self.archive.verdict(design.id, self.benchmark.name, "search") or await self._judge(design, progress)
        self.archive.judge(design.id, self.benchmark.name, "search", verdict)
        return verdict

    def brief(self, seed: int, parent: str = "") -> Brief:
        """Choose a parent to change, unless its id is given, and a second one to borrow from."""
        scores = self.archive.scores(self.benchmark.name)
        entries = {entry.id: entry for entry in self.archive.entries()}
        candidates = [
            Candidate(
                design, evaluation.score.mean, entries[design].children, evaluation.scores, entries[design].parents
            )
            for design, evaluation in sorted(scores.items())
            if design in entries
        ]
        chance = random.Random(seed)
        baseline = min(candidate.score for candidate in candidates)
        chosen = self.sampler(candidates, baseline, PARENTS, chance)
        if parent:
            chosen = [each for each in candidates if each.design == parent] + chosen
        picked = [Parent(self.archive.design(entries[each.design]), scores[each.design]) for each in chosen[:PARENTS]]
        others = [self.archive.design(entry) for entry in entries.values()]
        return Brief(picked, others, self.benchmark.name, self._failures(entries), seed)

    async def _propose(self, place: Place, brief: Brief) -> Design | Rejection:
        recorded = self.archive.recorded(place.run, place.step)
        if recorded is None:
            recorded = await self._asked(brief)
            self.archive.record(place.run, place.step, recorded)
        if "rejection" in recorded:
            return Rejection(**recorded["rejection"])
        proposal = Proposal(**recorded["proposal"])
        number = hashlib.sha256(proposal.source.encode()).hexdigest()[:6]
        design = Design(proposal.source, f"{self.proposer.name}-{number}")
        self.archive.add(design, self.proposer.name, proposal.hypothesis, recorded["parents"], self.clock())
        return design

    async def _asked(self, brief: Brief) -> Mapping[str, Any]:
        parents = [parent.design.id for parent in brief.parents]
        try:
            return {"proposal": asdict(await self.proposer.propose(brief)), "parents": parents}
        except ProposalFailed as error:
            return {"rejection": asdict(Rejection("", "proposal", str(error)))}

    async def _judge(self, design: Design, progress: Progress | None) -> Verdict:
        rejection = await verify(design, self.laboratory)
        return rejection or await evaluate(design, self.benchmark, "search", self.laboratory, progress=progress)

    def _failures(self, designs: Iterable[str]) -> list[Rejection]:
        verdicts = [self.archive.verdict(design, self.benchmark.name, "search") for design in designs]
        return [verdict for verdict in verdicts if isinstance(verdict, Rejection)][-RECENT_FAILURES:]
