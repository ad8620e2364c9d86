"""How challenger and champion are played at the gate: on the same tasks, at the same time, and nothing twice."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from alma_mcp.design_store import Design
from alma_mcp.evidence.dossier import Cost
from evolve.archive import Archive, ArchiveBook
from evolve.benchmarks import Benchmark, Scope
from evolve.errors import Unplayable
from evolve.evaluate import Progress, evaluate
from evolve.evaluated_memory import Laboratory
from evolve.evaluation import AGENT_TOKENS, Evaluation, Rejection, Verdict
from evolve.gate.deal import Deal
from evolve.gate.in_step import Pace, in_step
from evolve.gate.match import Match, pair
from evolve.playing import all_of

Look = Callable[[Match, int], bool]
"""Told of the match after so many parts; gives whether it ends here."""


class Contest:
    """Where both designs are played, part by part, with the results on the books of one opening.

    Interleaved means: the two are played side by side, on the same part of the tasks and in the same order, and neither
    begins a task while it is five ahead of the other. So what a provider does to one within an hour it does to both. A
    memory is filled once for each part. The challenger alone is played beside its controls.
    """

    def __init__(self, archive: Archive, benchmark: Benchmark, laboratory: Laboratory, opening: int) -> None:
        self._archive = archive
        self._benchmark = benchmark
        self._laboratory = laboratory
        self.split = f"gate#{opening}"

    async def play(
        self, challenger: Design, champion: Design, dealt: Deal, ended: Look, progress: Progress | None = None
    ) -> tuple[Match, int]:
        """Play part after part until a look ends it; gives after how many that was.

        Raises `Unplayable` where one of the two is rejected.
        """
        told = _both_told(progress, 2 * len(dealt.tasks))
        categories = {task.id: task.category for task in dealt.tasks}
        sides: tuple[list[Evaluation], list[Evaluation]] = ([], [])
        for number, part in enumerate(dealt.parts, start=1):
            tasks, pace = frozenset(part), Pace()
            runs = [
                self._side(side, design, tasks, dealt.scopes, pace, told)
                for side, design in enumerate((challenger, champion))
            ]
            for evaluations, verdict, design in zip(sides, await all_of(runs), (challenger, champion), strict=True):
                if isinstance(verdict, Rejection):
                    raise Unplayable(f"{design.name} was rejected at {verdict.stage}: {verdict.reason}")
                evaluations.append(verdict)
            match = pair(joined(sides[0]), joined(sides[1]), dealt.plays(number), dealt.planned, categories)
            if ended(match, number):
                break
        return match, number

    def cost(self, match: Match, *designs: Design) -> Cost:
        """What is on the books; what designs asked of a model is known since the opening last went on."""
        played = [entry.result for design in designs for entry in self._book(design).entries()]
        episodes = [result.metrics for result in played if result.trace]
        sides = (match.challenger, match.champion)
        return Cost(
            plays=len(played),
            episodes=len(episodes),
            agent_tokens=int(sum(each.get(name, 0.0) for each in episodes for name in AGENT_TOKENS)),
            design_calls=sum(side.asked for side in sides),
            design_tokens=sum(side.asked_tokens_in + side.asked_tokens_out for side in sides),
        )

    def _book(self, design: Design) -> ArchiveBook:
        return self._archive.book(design.id, self._benchmark.name, self.split)

    async def _side(
        self,
        side: int,
        design: Design,
        tasks: frozenset[str],
        scopes: Sequence[Scope],
        pace: Pace,
        told: Callable[[], None],
    ) -> Verdict:
        def progress(done: int, _: int) -> None:
            pace.done(side, done)
            told()

        benchmark = in_step(self._benchmark, scopes, lambda: pace.wait(side))
        book, controls = self._book(design), side == 0
        try:
            return await evaluate(
                design, benchmark, "gate", self._laboratory, only=tasks, book=book, controls=controls, progress=progress
            )
        finally:
            pace.leave()


def joined(parts: Sequence[Evaluation]) -> Evaluation:
    """One evaluation of tasks that were played in parts."""
    names = dict.fromkeys(name for part in parts for name in part.control_scores)
    return replace(
        parts[0],
        results=[result for part in parts for result in part.results],
        control_scores={
            name: {task: score for part in parts for task, score in part.control_scores.get(name, {}).items()}
            for name in names
        },
        missing=[task for part in parts for task in part.missing],
        unanswered=sum(part.unanswered for part in parts),
        asked=sum(part.asked for part in parts),
        asked_tokens_in=sum(part.asked_tokens_in for part in parts),
        asked_tokens_out=sum(part.asked_tokens_out for part in parts),
        memory_bytes=max(part.memory_bytes for part in parts),
        state_bytes=max(part.state_bytes for part in parts),
        seconds=sum(part.seconds for part in parts),
    )


def _both_told(progress: Progress | None, total: int) -> Callable[[], None]:
    done = 0

    def told() -> None:
        nonlocal done
        done += 1
        if progress:
            progress(done, total)

    return told
