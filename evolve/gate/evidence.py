"""The evidence of an opening in rows: every task, every kind of tasks, what both designs had played before."""

import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from alma_mcp.evidence.dossier import Ancestor, DomainResult, TaskResult
from evolve.archive import Archive, Entry
from evolve.compare import compare
from evolve.evaluation import Evaluation
from evolve.gate.match import Match

MOST_ANCESTORS = 40


def task_results(match: Match) -> tuple[TaskResult, ...]:
    """A row for each task in pairs, by its id."""
    new, old = match.challenger.scores, match.champion.scores
    plays = Counter(result.task for result in match.challenger.results)
    return tuple(
        TaskResult(
            task=task, kind=", ".join(sorted(kinds)), challenger=new[task], champion=old[task], plays=plays[task]
        )
        for task, kinds in sorted(match.kinds_of_tasks().items())
    )


def domain_results(archive: Archive, match: Match) -> tuple[DomainResult, ...]:
    """The kinds of this opening's tasks, then each other split that both designs had played; never another gate's."""
    new, old = match.challenger, match.champion
    kinds = match.tasks_of_kinds()
    rows = [_row(new, old, tasks, kind=kind, split="gate") for kind, tasks in sorted(kinds.items())]
    if not rows and new.scores:
        rows.append(_row(new, old, list(new.scores), split="gate"))
    return (*rows, *_before(archive, new.design, old.design))


def ancestry(archive: Archive, benchmark: str, challenger: str) -> tuple[Ancestor, ...]:
    """All that a design came from, the nearest first, with what each scored on the search split, 40 at most."""
    entries = {entry.id: entry for entry in archive.entries()}
    found = []
    for design, back in _generations(entries, challenger):
        verdict = archive.verdict(design, benchmark, "search")
        whole = isinstance(verdict, Evaluation) and not verdict.eliminated and verdict.results
        score = round(verdict.mean, 4) if isinstance(verdict, Evaluation) and whole else None
        found.append(Ancestor(design=design, name=entries[design].name, back=back, score=score))
    return tuple(found)


def _before(archive: Archive, challenger: str, champion: str) -> Iterator[DomainResult]:
    """What is paid for already, of the splits that may be looked at."""
    others = {(benchmark, split): verdict for benchmark, split, verdict in archive.verdicts(champion)}
    for benchmark, split, new in archive.verdicts(challenger):
        old = others.get((benchmark, split))
        if isinstance(new, Evaluation) and isinstance(old, Evaluation) and (shared := _shared(new, old)):
            yield _row(new, old, shared, split=split)


def _shared(new: Evaluation, old: Evaluation) -> list[str]:
    return sorted(new.scores.keys() & old.scores.keys()) if new.primary == old.primary else []


def _row(new: Evaluation, old: Evaluation, tasks: Sequence[str], *, split: str, kind: str = "") -> DomainResult:
    ours, theirs = ({task: side.scores[task] for task in tasks} for side in (new, old))
    return DomainResult(
        benchmark=new.benchmark,
        kind=kind,
        split=split,
        seen=split == "search",
        tasks=len(tasks),
        challenger=statistics.fmean(ours.values()),
        champion=statistics.fmean(theirs.values()),
        difference=compare(ours, theirs, new.clusters).difference,
        controls=_controls(new, tasks),
        champion_controls=_controls(old, tasks),
    )


def _controls(evaluation: Evaluation, tasks: Sequence[str]) -> dict[str, float]:
    found = {}
    for name, scores in evaluation.control_scores.items():
        of_tasks = [scores[task] for task in tasks if task in scores]
        if of_tasks:
            found[name] = statistics.fmean(of_tasks)
    return found


def _generations(entries: Mapping[str, Entry], design: str) -> list[tuple[str, int]]:
    """Each ancestor once, where it is nearest."""
    found: dict[str, int] = {}
    level, back = [design] if design in entries else [], 0
    while level and len(found) < MOST_ANCESTORS:
        back += 1
        parents = dict.fromkeys(parent for each in level for parent in entries[each].parents)
        level = [each for each in parents if each in entries and each not in found and each != design]
        found |= dict.fromkeys(level, back)
    return list(found.items())[:MOST_ANCESTORS]
