"""An assistant as the meta-agent: what it is told, and what becomes of what it hands in. Nothing here promotes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from alma_mcp.design_store import SHORT, Design
from alma_mcp.errors import EvolveError
from evolve.archive import Archive
from evolve.benchmarks import Benchmark
from evolve.config import SearchSettings
from evolve.evaluate import Progress, evaluate
from evolve.evaluated_memory import Laboratory
from evolve.evaluation import Evaluation, Rejection, Verdict
from evolve.meta.brief import Proposal
from evolve.meta.briefing import Briefing, Witness
from evolve.meta.lessons import learn
from evolve.meta.novelty import why_not_new
from evolve.propose import read_answer, write_prompt
from evolve.seen import Seen, seen_of
from evolve.selection import SAMPLERS
from evolve.verify import verify
from evolve.views.standings import EMPTY, standings
from evolve.views.told import one_line, told

BEST = 5
PROPOSER = "assistant"


@dataclass(frozen=True, slots=True)
class Workbench:
    """What an assistant's designs are made and judged with, as a search's are. `clock` is seconds since the epoch."""

    settings: SearchSettings
    archive: Archive
    benchmark: Benchmark
    laboratory: Laboratory
    clock: Callable[[], float]
    witness: Witness | None = None

    def seen(self) -> Seen:
        """All that is in the archive."""
        return seen_of(self.archive, self.benchmark.name, [entry.id for entry in self.archive.entries()])

    async def judge(self, design: Design, progress: Progress | None) -> Verdict:
        """Play the whole search split, but for what was played before."""
        book = self.archive.book(design.id, self.benchmark.name, "search", self.settings.play.agent)
        verdict = await evaluate(design, self.benchmark, "search", self.laboratory, book=book, progress=progress)
        self.archive.judge(design.id, self.benchmark.name, "search", verdict)
        return verdict


@dataclass(frozen=True, slots=True)
class Commission:
    """A task for an assistant, and the ids of the designs that its answer is made from."""

    text: str
    parents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """A design that was handed in, and what became of it."""

    design: Design
    verdict: Verdict

    @property
    def sentence(self) -> str:
        """In words, with the trace where it failed."""
        said = f"{self.design.short}: {told(self.verdict)}"
        trace = self.verdict.trace if isinstance(self.verdict, Rejection) else ""
        return f"{said}\n{trace}".strip()


async def write_brief(work: Workbench, seed: int, parent: str = "", progress: Progress | None = None) -> Commission:
    """The task of improving a design, or one that the search would choose. Evaluates the seeds that are not yet.

    Raises `EvolveError`, `DesignUnknown`, `HostError`.
    """
    await _plant(work, progress)
    seen = work.seen()
    chosen = work.archive.entry(parent).id if parent else ""
    if chosen and chosen not in seen.evaluations:
        raise EvolveError(f"{parent} has no score on {work.benchmark.name}; a parent needs one: submit it first.")
    briefing = Briefing(work.archive, work.benchmark.name, SAMPLERS[work.settings.sampler], work.witness)
    brief = await briefing.brief(seen, seed, parent=chosen)
    return Commission(write_prompt(brief), tuple(each.design.short for each in brief.parents))


def read_submission(text: str) -> Proposal:
    """The design in an answer to a brief. Raises `EvolveError`."""
    answer = read_answer(text)
    if isinstance(answer, Rejection):
        raise EvolveError(answer.reason)
    return answer


async def take_submission(
    work: Workbench,
    proposal: Proposal,
    parents: Sequence[str] = (),
    *,
    name: str = "",
    strict: bool = True,
    progress: Progress | None = None,
) -> Taken:
    """Archive a design, and judge it: is it new (`strict`: by more than constants), does it run, what does it score?

    What is judged already is not judged again. Raises `DesignUnknown`, `EvolveError`, `HostError`.
    """
    archive, benchmark = work.archive, work.benchmark.name
    lineage = [archive.entry(parent).id for parent in parents]
    seen = work.seen()
    design = Design(proposal.source)
    design = Design(proposal.source, name or f"{PROPOSER}-{design.short[:6]}")
    if (known := archive.verdict(design.id, benchmark, "search")) is not None:
        return Taken(design, known)
    archive.add(design, PROPOSER, proposal.hypothesis, lineage, work.clock())
    others = [archive.design(entry) for entry in seen.entries if entry.id != design.id]
    rejection = why_not_new(design.source, others, strict=strict) or await verify(design, work.laboratory)
    if rejection:
        archive.judge(design.id, benchmark, "search", rejection)
        return Taken(design, rejection)
    verdict = await work.judge(design, progress)
    _teach(work, design, proposal.hypothesis, lineage, verdict)
    return Taken(design, verdict)


def status(archive: Archive) -> str:
    """The best designs on each benchmark, and the runs."""
    found = standings(archive)
    lines = [f"{len(archive.entries())} designs."]
    for benchmark, designs in found.items():
        lines.append(f"Best on {benchmark}, search split:")
        best = [each for each in designs if isinstance(each.verdict, Evaluation)][:BEST]
        lines += [f"- {each.entry.id[:SHORT]} {one_line(each.entry.name)}: {told(each.verdict)}" for each in best]
    for run in archive.journal.runs():
        lines.append(f"Run {run.id} on {run.benchmark}: {run.done} of {run.rounds} rounds.")
    return "\n".join(lines) if found else EMPTY


async def _plant(work: Workbench, progress: Progress | None) -> None:
    archive = work.archive
    for name in (*work.settings.seeds, *work.settings.donors):
        archive.add(archive.store.find(name), "seed", "", (), work.clock())
    for name in work.settings.seeds:
        design = archive.store.find(name)
        if archive.verdict(design.id, work.benchmark.name, "search") is None:
            await work.judge(design, progress)


def _teach(work: Workbench, design: Design, hypothesis: str, lineage: Sequence[str], verdict: Verdict) -> None:
    inherited = [lesson for parent in lineage[:1] for lesson in work.archive.lessons(parent)]
    of_parent = work.archive.verdict(lineage[0], work.benchmark.name, "search") if lineage else None
    work.archive.teach(design.id, learn(inherited, hypothesis, verdict, of_parent))
