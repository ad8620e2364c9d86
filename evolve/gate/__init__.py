"""The promotion gate: fresh tasks, paired, against the live champion; every opening is counted before it is seen."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from alma_mcp.design_store import Design
from alma_mcp.errors import EvolveError
from alma_mcp.evidence.dossier import Dossier, Finalist
from evolve.archive import Archive
from evolve.archive.openings import Challenge
from evolve.benchmarks import Benchmark
from evolve.compare import alpha_for_opening
from evolve.config import GateSettings
from evolve.errors import Unplayable
from evolve.evaluate import Progress, evaluate
from evolve.evaluated_memory import Laboratory
from evolve.evaluation import Evaluation
from evolve.gate.deal import Deal, deal
from evolve.gate.decision import Decision, decide
from evolve.gate.dossier import Opened, Priced, unknown_price, write_dossier
from evolve.gate.guard_rails import objections
from evolve.gate.match import Match
from evolve.gate.play import Contest
from evolve.verify import verify

FINALISTS = 3


@dataclass(frozen=True, slots=True)
class Gate:
    """What a challenger must pass on one benchmark."""

    archive: Archive
    benchmark: Benchmark
    laboratory: Laboratory
    settings: GateSettings
    clock: Callable[[], float] = time.time
    priced: Priced = unknown_price
    agent: str = ""

    async def choose(self, champion: Design, progress: Progress | None = None) -> Design:
        """The challenger: the best on the validation split of the three best on the search split, written down.

        One that was written down before, and has not been through the gate, stays the challenger. Raises `EvolveError`
        when the archive has nothing to choose from.
        """
        if pending := self._pending(champion):
            return self._design(pending.challenger)
        finalists = await self._finalists(champion, progress)
        if not finalists:
            raise EvolveError("The archive has no evaluated design to promote; run `alma-evolve run` first.")
        best = max(finalists, key=lambda each: each.score)
        self.archive.openings.write_down(self.benchmark.name, best.design, champion.id, finalists, self.clock())
        return self._design(best.design)

    async def open(
        self, challenger: Design, champion: Design, command: str, progress: Progress | None = None
    ) -> Dossier:
        """Play the gate split with both and write down what was found; an opening that was interrupted goes on.

        Raises `EvolveError` for a broken design, and where another challenger is written down.
        """
        challenge = self._challenge(challenger, champion)
        if rejection := await verify(challenger, self.laboratory):
            self.archive.openings.end(challenge, "unfit")
            raise EvolveError(f"{challenger.name} is not fit for the gate: {rejection.reason}")
        number = self.archive.openings.count(challenge, self.clock())
        started = self.clock()
        contest = Contest(self.archive, self.benchmark, self.laboratory, number)
        dealt = await deal(self.benchmark, f"{self.benchmark.name} {contest.split}", progress)

        def ended(match: Match, parts: int) -> bool:
            return self._decide(match, dealt, parts, number).ended

        try:
            match, parts = await contest.play(challenger, champion, dealt, ended, progress)
        except Unplayable:
            self.archive.openings.end(challenge, "rejected")
            raise
        decision = self._decide(match, dealt, parts, number)
        found = objections(decision, match, self.settings)
        cost, seconds = contest.cost(match, challenger, champion), self.clock() - started
        opened = Opened(
            challenger, champion, challenge.finalists, number, match, decision, found, cost, seconds, self.priced,
            self.agent,
        )  # fmt: skip
        dossier = write_dossier(self.archive, opened, command)
        self.archive.openings.end(challenge, dossier.verdict)
        return dossier

    def give_up(self) -> str:
        """Let go of the challenger that is written down, and give its id; an opening that was counted stays counted.

        Raises `EvolveError` where there is none.
        """
        pending = self.archive.openings.pending(self.benchmark.name)
        if pending is None:
            raise EvolveError(f"No challenger is written down on {self.benchmark.name}: there is nothing to give up.")
        self.archive.openings.end(pending, "given up")
        return pending.challenger

    async def _finalists(self, champion: Design, progress: Progress | None) -> list[Finalist]:
        """The best on the search split, of those that were played whole, with their scores on the validation split."""
        scores = self.archive.scores(self.benchmark.name)
        whole = [each for each in scores.values() if not each.eliminated and each.design != champion.id]
        ranked = sorted(whole, key=lambda each: (-each.mean, each.design))
        found = []
        for each in ranked[:FINALISTS]:
            design = self._design(each.design)
            verdict = self.archive.verdict(design.id, self.benchmark.name, "validation")
            if verdict is None:
                book = self.archive.book(design.id, self.benchmark.name, "validation")
                verdict = await evaluate(
                    design, self.benchmark, "validation", self.laboratory, book=book, progress=progress
                )
                self.archive.judge(design.id, self.benchmark.name, "validation", verdict)
            if isinstance(verdict, Evaluation):
                found.append(Finalist(design=design.id, name=design.name, score=verdict.mean))
        return found

    def _pending(self, champion: Design) -> Challenge | None:
        """What is written down against this champion; what was written against another one is given up."""
        pending = self.archive.openings.pending(self.benchmark.name)
        if pending and pending.champion != champion.id:
            self.archive.openings.end(pending, "another champion")
            return None
        return pending

    def _challenge(self, challenger: Design, champion: Design) -> Challenge:
        if challenger.id == champion.id:
            raise EvolveError(f"{challenger.name} is the champion already.")
        pending = self._pending(champion)
        if pending is None:
            self.archive.store.add(challenger)
            return self.archive.openings.write_down(self.benchmark.name, challenger.id, champion.id, (), self.clock())
        if pending.challenger != challenger.id:
            known = self._design(pending.challenger)
            raise EvolveError(
                f"{known.name} ({known.short}) is written down as the challenger on {self.benchmark.name}, so"
                f" {challenger.name} cannot be. `alma-evolve promote` without a design goes on with it, and"
                " `--give-up` lets go of it."
            )
        return pending

    def _decide(self, match: Match, dealt: Deal, parts: int, number: int) -> Decision:
        played = [match.differences(part) for part in dealt.parts[:parts]]
        alpha = alpha_for_opening(number)
        return decide(played, alpha, self.settings.minimum_effect, parts=len(dealt.parts))

    def _design(self, design_id: str) -> Design:
        names = {entry.id: entry.name for entry in self.archive.entries()}
        return self.archive.store.get(design_id, names.get(design_id, ""))
