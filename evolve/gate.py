"""The promotion gate: fresh tasks, paired, against the live champion; every opening is counted before it is seen."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from alma_mcp.design_store import Design
from alma_mcp.dossier import Dossier, Side
from alma_mcp.errors import EvolveError
from evolve.archive import Archive
from evolve.benchmarks import Benchmark
from evolve.compare import Comparison, alpha_for_opening, compare
from evolve.config import GateSettings
from evolve.evaluate import Progress, evaluate
from evolve.evaluated_memory import Laboratory
from evolve.evaluation import Evaluation, Rejection
from evolve.verify import asks_model, imports_of, verify

GRACE_MS = 10.0
GRACE_TOKENS = 500
FINALISTS = 3


@dataclass(frozen=True, slots=True)
class Gate:
    """What a challenger must pass on one benchmark."""

    archive: Archive
    benchmark: Benchmark
    laboratory: Laboratory
    settings: GateSettings
    clock: Callable[[], float] = time.time

    async def choose(self, champion: Design, progress: Progress | None = None) -> Design:
        """The challenger: the best on the validation split of the three best on the search split.

        Raises `EvolveError` when the archive has nothing to choose from.
        """
        scores = self.archive.scores(self.benchmark.name)
        ranked = sorted(scores.values(), key=lambda each: -each.score.mean)
        finalists = [each.design for each in ranked if each.design != champion.id][:FINALISTS]
        best: tuple[float, Design] | None = None
        for design_id in finalists:
            design = self.archive.design(self.archive.entry(design_id))
            verdict = self.archive.verdict(design_id, self.benchmark.name, "validation")
            verdict = verdict or await evaluate(
                design, self.benchmark, "validation", self.laboratory, progress=progress
            )
            self.archive.judge(design_id, self.benchmark.name, "validation", verdict)
            if isinstance(verdict, Evaluation) and (best is None or verdict.score.mean > best[0]):
                best = (verdict.score.mean, design)
        if best is None:
            raise EvolveError("The archive has no evaluated design to promote; run `alma-evolve run` first.")
        return best[1]

    async def open(
        self, challenger: Design, champion: Design, command: str, progress: Progress | None = None
    ) -> Dossier:
        """Play the gate split with both and write down what was found. Raises `EvolveError` for a broken design."""
        if challenger.id == champion.id:
            raise EvolveError(f"{challenger.name} is the champion already.")
        if rejection := await verify(challenger, self.laboratory):
            raise EvolveError(f"{challenger.name} is not fit for the gate: {rejection.reason}")
        opening = self.archive.open_gate(self.benchmark.name, challenger.id, champion.id, self.clock())
        started = self.clock()
        new = await self._play(challenger, progress)
        old = await self._play(champion, progress)
        comparison = compare(new.scores, old.scores, new.clusters)
        alpha = alpha_for_opening(opening)
        objections = tuple(self._objections(new, old, comparison, alpha))
        entries = {entry.id: entry for entry in self.archive.entries()}
        entry = entries.get(challenger.id)
        return Dossier(
            benchmark=self.benchmark.name,
            split="gate",
            tasks=comparison.tasks,
            challenger=_side(challenger, new),
            champion=_side(champion, old),
            difference=comparison.difference,
            p_value=comparison.p_value,
            alpha=alpha,
            minimum_effect=self.settings.minimum_effect,
            opening=opening,
            wins=comparison.wins,
            ties=comparison.ties,
            losses=comparison.losses,
            controls=dict(new.controls),
            objections=objections,
            verdict="failed" if objections else "passed",
            hypothesis=entry.hypothesis if entry else "",
            lineage=tuple(entries[parent].name for parent in entry.parents if parent in entries) if entry else (),
            imports=tuple(imports_of(challenger.source)),
            needs_complete=asks_model(challenger),
            seconds=round(self.clock() - started, 1),
            command=command,
        )

    async def _play(self, design: Design, progress: Progress | None) -> Evaluation:
        verdict = await evaluate(design, self.benchmark, "gate", self.laboratory, controls=True, progress=progress)
        if isinstance(verdict, Rejection):
            raise EvolveError(f"{design.name} was rejected at {verdict.stage}: {verdict.reason}")
        return verdict

    def _objections(self, new: Evaluation, old: Evaluation, comparison: Comparison, alpha: float) -> Sequence[str]:
        """Why this must not be promoted, a sentence each."""
        limits = self.settings
        found = []
        if comparison.difference.mean < limits.minimum_effect:
            found.append(f"the gain {comparison.difference.mean:.3f} is below the minimum {limits.minimum_effect:g}")
        if comparison.p_value >= alpha:
            found.append(f"the gain may be chance: p = {comparison.p_value:.4f}, needed < {alpha:.4f}")
        if new.failures > old.failures:
            found.append(f"it failed on {new.failures} tasks, the champion on {old.failures}")
        slowest = limits.latency_ratio * old.latency_ms(0.95) + GRACE_MS
        if new.latency_ms(0.95) > slowest:
            found.append(f"its p95 latency is {new.latency_ms(0.95):.0f} ms, more than {slowest:.0f} ms")
        if new.tokens > limits.tokens_ratio * old.tokens + GRACE_TOKENS:
            found.append(f"it returns {new.tokens:.0f} tokens a task, the champion {old.tokens:.0f}")
        smuggled = new.controls.get("empty", 0.0) - new.controls.get("no_memory", 0.0)
        if smuggled > limits.minimum_effect:
            found.append(f"it gains {smuggled:.3f} with an empty memory: task knowledge in its code")
        return found


def _side(design: Design, evaluation: Evaluation) -> Side:
    return Side(
        design=design.id,
        name=design.name,
        idea=_idea(design),
        score=evaluation.score,
        tokens=round(evaluation.tokens, 1),
        latency_ms=round(evaluation.latency_ms(0.95), 2),
        failures=evaluation.failures,
    )


def _idea(design: Design) -> str:
    """What a design says of itself in its first line."""
    first = design.source.strip().splitlines()[0] if design.source.strip() else ""
    return first.strip('"# ')
