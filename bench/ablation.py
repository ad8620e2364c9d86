"""Open-ended search against greedy search and designs from scratch, on real data, at equal evaluations, with no model.

    python -m bench.ablation --data DATA [--seeds 3] [--candidates 15] [--scopes N]
        [--benchmarks locomo,beam,coding_stream]

The `recombine` proposer writes every design. Each arm is a search of its own with a fresh archive; every candidate is
played on the whole search split, none is eliminated. What was played for one arm is not played again for another. The
best of a search by its scores there is played on the validation split, which no search has seen: that is the figure.
"""

import argparse
import asyncio
import itertools
import json
import statistics
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from alma_mcp.design_store import DesignStore
from alma_mcp.errors import AlmaError
from alma_mcp.evidence.dossier import Interval
from alma_mcp.home import Home
from evolve.archive import Archive
from evolve.benchmarks import Benchmark, BenchmarkName
from evolve.book import Booked
from evolve.compare import interval
from evolve.config import CascadeSettings, SearchSettings
from evolve.endpoints.prices import load_prices
from evolve.evaluated_memory import Laboratory
from evolve.evaluation import Evaluation, Verdict
from evolve.laboratory import open_benchmark, open_laboratory
from evolve.proposers.recombine import Recombine
from evolve.runners import Job, Keep, Runner
from evolve.runners.local import LocalRunner
from evolve.search import Means, search
from evolve.views.told import told
from evolve.watching import Outlook, Spending, Stage

SAMPLED = ("clade_thompson", "alma", "greedy", "iid")
SCRATCH = "iid"
FILES: Mapping[BenchmarkName, str] = {
    "locomo": "locomo/locomo_dev7.json",
    "beam": "beam/beam_100K_dev12.tar.gz",
    "coding_stream": "coding_stream/sessions.jsonl",
}
SEEDS = ["no_memory", "trajectory_retrieval"]
DONORS = ["lexical", "hybrid", "grep"]


@dataclass(frozen=True, slots=True)
class Found:
    """What one search came to: the best score so far after each candidate, and its best design on other tasks."""

    benchmark: str
    sampler: str
    seed: int
    path: Sequence[float]
    design: str
    search: float
    validation: Mapping[str, float]
    clusters: Mapping[str, str]


class Remembering:
    """A runner over an archive of its own, where what one search has played is there for the next."""

    def __init__(self, runner: Runner, archive: Archive, benchmark: str) -> None:
        self.width = runner.width
        self._runner = runner
        self._archive = archive
        self._benchmark = benchmark

    async def play(self, job: Job, keep: Keep) -> Verdict:
        self._archive.store.add(job.design)
        book = self._archive.book(job.design.id, self._benchmark, job.split)
        known = {(each.result.task, each.result.seed): each for each in (*book.entries(), *job.known)}

        def both(entry: Booked) -> None:
            book.keep(entry)
            keep(entry)

        verdict = await self._runner.play(Job(job.design, job.split, job.only, tuple(known.values())), both)
        for place in known.keys() - {(each.result.task, each.result.seed) for each in job.known}:
            keep(known[place])
        return verdict


class Quiet:
    """A watcher who says a line a candidate."""

    def __init__(self, title: str) -> None:
        self._title = title

    def begins(self, outlook: Outlook) -> None: ...

    def moves(self, step: str, stage: Stage, done: int = 0, total: int = 0) -> None: ...

    def became(self, step: str, name: str, verdict: Verdict) -> None:
        print(f"{self._title} {step} {name}: {told(verdict)}", flush=True)

    def spent(self, spending: Spending) -> None: ...


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.ablation", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="The folder with locomo/, beam/ and coding_stream/.")
    parser.add_argument("--seeds", type=int, default=3, help="Searches of each arm.")
    parser.add_argument("--candidates", type=int, default=15, help="Of each search.")
    parser.add_argument("--benchmarks", default="locomo,beam,coding_stream")
    parser.add_argument("--scopes", type=int, help="At most so many conversations of a split.")
    parser.add_argument("--out", type=Path, help="Where everything found is written, as JSON.")
    given = parser.parse_args()
    try:
        found = asyncio.run(_all(given))
    except AlmaError as error:
        raise SystemExit(f"ablation: {error}") from error
    if given.out:
        given.out.write_text(json.dumps([asdict(each) for each in found]))
    Console().print(_table(found))
    print(json.dumps({"candidates": given.candidates, "seeds": given.seeds, "arms": _figures(found)}))


async def _all(given: argparse.Namespace) -> list[Found]:
    found: list[Found] = []
    with tempfile.TemporaryDirectory(prefix="alma-ablation-") as folder:
        home = Home(Path(folder))
        for name in given.benchmarks.split(","):
            opened = _opened(name, given.data / FILES[name], home, given.scopes)
            async with opened as (benchmark, laboratory, runner):
                for seed, sampler in itertools.product(range(given.seeds), SAMPLED):
                    settings = _settings(name, sampler, seed, given.candidates)
                    with Archive(home.path / f"{name}-{sampler}-{seed}.db", DesignStore(home.designs)) as archive:
                        means = Means(archive, benchmark, laboratory, runner, Recombine(), load_prices())
                        found.append(await _searched(settings, means))
    return found


async def _searched(settings: SearchSettings, means: Means) -> Found:
    """One search, its path, and its best design on the tasks that it has not seen."""
    title = f"{settings.benchmark} {settings.sampler} {settings.seed}"
    await search(settings, 1, means, Quiet(title))
    archive, name = means.archive, means.benchmark.name
    scores = [archive.verdict(entry.id, name, "search") for entry in archive.entries()]
    scored = [each for each in scores if isinstance(each, Evaluation)]
    path = list(itertools.accumulate((each.mean for each in scored), max))
    best = max(scored, key=lambda each: each.mean)
    job = Job(archive.design(archive.entry(best.design)), "validation")
    held_out = await means.runner.play(job, lambda _: None)
    assert isinstance(held_out, Evaluation)
    return Found(
        settings.benchmark,
        settings.sampler,
        settings.seed,
        path,
        best.design,
        best.mean,
        held_out.scores,
        held_out.clusters,
    )


@asynccontextmanager
async def _opened(
    name: BenchmarkName, data: Path, home: Home, scopes: int | None
) -> AsyncIterator[tuple[Benchmark, Laboratory, Runner]]:
    store = DesignStore(home.designs)
    async with open_benchmark(name, data, home, scopes) as benchmark, open_laboratory(store, home) as laboratory:
        with Archive(home.path / "played.db", store) as played:
            yield benchmark, laboratory, Remembering(LocalRunner(benchmark, laboratory, 2), played, benchmark.name)


def _settings(name: BenchmarkName, sampler: str, seed: int, candidates: int) -> SearchSettings:
    return SearchSettings.model_validate(
        {
            "benchmark": name,
            "seeds": SEEDS,
            "donors": DONORS,
            "candidates": candidates,
            "sampler": sampler,
            "seed": seed,
            "control": 0.0,
            "cascade": CascadeSettings(threshold=0.0, doubt=0.0, chunk=1.0),
        }
    )


def _figures(found: Sequence[Found]) -> list[dict[str, object]]:
    """Each arm of each benchmark: its scores, and what it gains over designs from scratch, in pairs."""
    rows: list[dict[str, object]] = []
    for benchmark, sampler in dict.fromkeys((each.benchmark, each.sampler) for each in found):
        mine = [each for each in found if (each.benchmark, each.sampler) == (benchmark, sampler)]
        scratch = [each for each in found if (each.benchmark, each.sampler) == (benchmark, SCRATCH)]
        rows.append(
            {
                "benchmark": benchmark,
                "sampler": sampler,
                "search": statistics.fmean(each.search for each in mine),
                "validation": _of_tasks(mine).model_dump(),
                "gain": None if sampler == SCRATCH else _of_tasks(mine, scratch).model_dump(),
                "by_seed": [round(statistics.fmean(each.validation.values()), 4) for each in mine],
            }
        )
    return rows


def _of_tasks(found: Sequence[Found], against: Sequence[Found] = ()) -> Interval:
    """The mean over the seeds, task by task, and its interval over clusters of tasks; less that of the others."""
    clusters = found[0].clusters
    tasks = sorted(clusters)
    means = [statistics.fmean(each.validation[task] for each in found) for task in tasks]
    if against:
        others = [statistics.fmean(each.validation[task] for each in against) for task in tasks]
        means = [mean - other for mean, other in zip(means, others, strict=True)]
    return interval(means, [clusters[task] for task in tasks])


def _table(found: Sequence[Found]) -> Table:
    table = Table("benchmark", "sampler", "search", "validation [95 %]", f"gain over {SCRATCH} [95 %]", "by seed")
    for row in _figures(found):
        gain = Interval.model_validate(row["gain"]) if row["gain"] else ""
        table.add_row(
            str(row["benchmark"]),
            str(row["sampler"]),
            f"{row['search']:.3f}",
            str(Interval.model_validate(row["validation"])),
            str(gain),
            str(row["by_seed"]),
        )
    return table


if __name__ == "__main__":
    main()
