"""The standings: how the designs of an archive did on each benchmark, the best first."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alma_mcp.errors import EvolveError
from evolve.archive import Archive, Entry
from evolve.evaluation import Evaluation, Rejection, Verdict

EMPTY = "The archive is empty. Next: alma-evolve run --config configs/evolve/locomo.toml"


@dataclass(frozen=True, slots=True)
class Standing:
    """What became of one design on the search split of one benchmark."""

    entry: Entry
    verdict: Verdict


def standings(archive: Archive) -> dict[str, list[Standing]]:
    """By benchmark: those played whole, then the eliminated, then the rejected."""
    found: dict[str, list[Standing]] = {}
    for entry in archive.entries():
        for benchmark, split, verdict in archive.verdicts(entry.id):
            if split == "search":
                found.setdefault(benchmark, []).append(Standing(entry, verdict))
    return {name: sorted(found[name], key=_place) for name in sorted(found)}


def chosen(found: Mapping[str, Sequence[Standing]], beginning: str) -> list[str]:
    """The benchmarks of this name, or whose name goes on after it with a `/`; all of them where it is empty."""
    return [name for name in found if not beginning or f"{name}/".startswith(f"{beginning}/")]


def one_benchmark(archive: Archive, found: Mapping[str, Sequence[Standing]], asked: str) -> str:
    """The benchmark that is asked for, or else that of the latest run; empty where nothing was evaluated.

    Raises `EvolveError` when there is none of that name, or several.
    """
    names = [asked] if asked in found else chosen(found, asked)
    if asked and len(names) != 1:
        listed = ", ".join(names or found) or "none"
        problem = "is the beginning of several benchmarks" if names else "has no results here"
        raise EvolveError(f"{asked!r} {problem}; `--benchmark` takes one of: {listed}.")
    latest = [run.benchmark for run in archive.journal.runs() if run.benchmark in names]
    return (latest or names or [""])[-1]


def _place(standing: Standing) -> tuple[int, float]:
    match standing.verdict:
        case Evaluation(eliminated="") as verdict:
            return 0, -verdict.worth
        case Evaluation() as verdict:
            return 1, -verdict.worth
        case Rejection():
            return 2, math.inf
