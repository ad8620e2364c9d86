"""What a cluster costs beyond playing, and what the archive takes: `python -m bench.scale [--address HOST:PORT]`.

Tasks here cost nothing and the design remembers nothing, so that what is left is the way there and back.
"""

import argparse
import asyncio
import contextlib
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from alma_mcp.contract import Query
from alma_mcp.design_store import DesignStore, bundled_designs
from alma_mcp.home import Home
from alma_mcp.hosts.inprocess import InProcessHost
from evolve.archive import Archive
from evolve.benchmarks import Played, Recall, Scope, Split, Task
from evolve.book import Booked
from evolve.episodes import Episodes
from evolve.evaluated_memory import Laboratory
from evolve.evaluation import TaskResult
from evolve.runners import Job
from evolve.runners.bench import Bench, BenchSettings
from evolve.runners.jobs import Kept, read_message, write_job
from evolve.runners.local import LocalRunner
from evolve.runners.node import Node

TASKS = 1000
METRICS = {f"{name}@{depth}": 0.5 for name in ("recall", "any") for depth in (1, 3, 5, 10)} | {
    "recall@10 temporal": 0.5
}
OPENING = "bench.scale:open_bare"


class Bare:
    """A benchmark of tasks that are played at once, with as many metrics as LoCoMo has."""

    name, primary = "bare", "recall@10"

    def scopes(self, split: Split) -> list[Scope]:  # noqa: ARG002
        return [Scope("bare", [Task(f"conversation-7:{n}", Query("?"), frozenset(), "7") for n in range(TASKS)])]

    async def play(self, scope: Scope, task: Task, recall: Recall) -> Played:  # noqa: ARG002
        await asyncio.sleep(0)
        return Played(METRICS)


@contextlib.asynccontextmanager
async def open_bare(text: str) -> AsyncIterator[Bench]:
    home = BenchSettings.from_json(text).home
    assert home
    yield Bench(Bare(), Laboratory(InProcessHost(), None), Home(Path(home)))


async def _seconds(play: Callable[[Job], Awaitable[object]], tasks: int, times: int) -> float:
    """The median of a job's seconds."""
    job = Job(bundled_designs()["no_memory"], "all", frozenset(f"conversation-7:{n}" for n in range(tasks)))
    took = []
    for _ in range(times):
        started = time.perf_counter()
        await play(job)
        took.append(time.perf_counter() - started)
    return statistics.median(took)


async def measure_ways(address: str, home: Path) -> None:
    settings = BenchSettings("locomo", home=str(home))
    node = Node()
    await node.open(OPENING, settings.to_json())

    async def as_text(job: Job) -> None:
        entries = [read_message(line) async for lines in node.play(write_job(job)) for line in lines.splitlines()]
        assert isinstance(entries[0], Kept)

    local = LocalRunner(Bare(), Laboratory(InProcessHost(), None))
    ways: dict[str, Callable[[Job], Awaitable[object]]] = {
        "here": lambda job: local.play(job, lambda _: None),
        "here, as text": as_text,
    }
    async with contextlib.AsyncExitStack() as stack:
        if address:
            from evolve.runners.ray import open_ray  # noqa: PLC0415 - an extra

            opened = open_ray(address, settings, "bare", Episodes(home), opening=OPENING, width=1)
            runner = await stack.enter_async_context(opened)
            ways["on a node"] = lambda job: runner.play(job, lambda _: None)
        for name, play in ways.items():
            await _seconds(play, 1, 3)
            one, all_of_them = await _seconds(play, 1, 21), await _seconds(play, TASKS, 5)
            each = (all_of_them - one) / (TASKS - 1) * 1000
            print(f"{name}: a job of one task {one * 1000:.1f} ms, each further task {each:.2f} ms")


def measure_archive(home: Home, rows: int = 20_000) -> None:
    design = bundled_designs()["no_memory"]
    with Archive(home.archive, DesignStore(home.designs)) as archive:
        book = archive.book(design.id, "locomo", "search", "scripted")
        started = time.perf_counter()
        for number in range(rows):
            result = TaskResult(f"conversation-7:{number}", "conversation-7", METRICS, 1996, 12.345678)
            book.keep(Booked(result))
        seconds = time.perf_counter() - started
    size = sum(path.stat().st_size for path in home.path.glob("archive.db*"))
    print(f"archive: {rows / seconds:,.0f} results a second, {size / rows:,.0f} bytes each")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", default="", help="Of a Ray cluster with a free CPU, HOST:PORT.")
    address = parser.parse_args().address
    with tempfile.TemporaryDirectory() as folder:
        measure_archive(Home(Path(folder)))
        asyncio.run(measure_ways(address, Path(folder)))


if __name__ == "__main__":
    main()
