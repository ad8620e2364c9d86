"""What a search costs beyond the episodes it plays: `python -m bench.overhead [--episodes 200] [--rounds 5]`.

Episodes that cost nothing are played once by `evaluate` alone, and once as a search plays them: part after part of the
cascade, each result written down with its cost, set aside before and counted after. The difference, a task, is the
overhead; an episode must take twenty times as long for it to be five hundredths.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from alma_mcp.contract import Query
from alma_mcp.design_store import DesignStore, bundled_designs
from alma_mcp.hosts.inprocess import InProcessHost
from evolve.archive import Archive, Cost
from evolve.benchmarks import Played, Recall, Scope, Split, Task
from evolve.budget import Budget, Ceilings
from evolve.cascade import CascadeSettings
from evolve.evaluate import evaluate
from evolve.evaluated_memory import Laboratory
from evolve.judging import Judging
from evolve.metered import Meter
from evolve.runners.local import LocalRunner
from evolve.seen import Seen

DESIGN = bundled_designs()["no_memory"]


class Free:
    """A benchmark of episodes that cost nothing."""

    name, primary = "free", "score"

    def __init__(self, episodes: int) -> None:
        self._episodes = episodes

    def scopes(self, split: Split) -> list[Scope]:  # noqa: ARG002
        return [Scope("free", [Task(f"game-{n}", Query("?"), frozenset(), f"{n % 8}") for n in range(self._episodes)])]

    async def play(self, scope: Scope, task: Task, recall: Recall) -> Played:  # noqa: ARG002
        await asyncio.sleep(0)
        return Played({"score": 1.0, "agent_tokens_in": 900.0, "agent_tokens_out": 30.0})


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.overhead", description=__doc__)
    parser.add_argument("--episodes", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    bare, searched = asyncio.run(_measured(given.episodes, given.rounds))
    overhead = (searched - bare) / given.episodes * 1000
    print(f"evaluate alone: {bare / given.episodes * 1000:.3f} ms an episode")
    print(f"in a search: {searched / given.episodes * 1000:.3f} ms an episode, the memory filled for every part")
    print(f"overhead: {overhead:.3f} ms an episode; 5 % of an episode of {overhead * 20:.0f} ms")


async def _measured(episodes: int, rounds: int) -> tuple[float, float]:
    """Median seconds of both ways, taken in turn."""
    benchmark, laboratory = Free(episodes), Laboratory(InProcessHost(), None)
    bare, searched = [], []
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            store = DesignStore(Path(folder) / "designs")
            with Archive(Path(folder) / "archive.db", store) as archive:
                run = archive.journal.begin(f"{number}", 1)
                budget = Budget(Ceilings(dollars=1e9))
                meter = Meter("made", "made", {f"game-{n}": 1 for n in range(episodes)}, lambda *_: 0.001, budget)
                runner = LocalRunner(benchmark, laboratory)
                judging = Judging(archive, benchmark, runner, meter, CascadeSettings(threshold=0.0), 0)

                def spend(cost: Cost, archive: Archive = archive, budget: Budget = budget) -> None:
                    archive.journal.spend(run, "1.1", cost)  # noqa: B023 - called within the round
                    budget.spend(cost)

                async def in_search() -> object:
                    return await judging.evaluate(DESIGN, Seen((), {}), spend, lambda *_: None)  # noqa: B023

                bare.append(await _seconds(lambda: evaluate(DESIGN, benchmark, "search", laboratory)))
                searched.append(await _seconds(in_search))
    return statistics.median(bare), statistics.median(searched)


async def _seconds(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
