"""This machine: the sandbox, and as many jobs at once as are asked for."""

import asyncio

from evolve.benchmarks import Benchmark
from evolve.book import Booked
from evolve.evaluate import evaluate
from evolve.evaluated_memory import Laboratory
from evolve.evaluation import Verdict
from evolve.runners import Job, Keep


class LocalRunner:
    """Implements `Runner`."""

    def __init__(self, benchmark: Benchmark, laboratory: Laboratory, width: int = 1) -> None:
        self.width = width
        self._benchmark = benchmark
        self._laboratory = laboratory
        self._free = asyncio.Semaphore(width)

    async def play(self, job: Job, keep: Keep) -> Verdict:
        book = _Told(job, keep)
        async with self._free:
            return await evaluate(job.design, self._benchmark, job.split, self._laboratory, only=job.only, book=book)


class _Told:
    """A book that begins with what is known of a job, and tells its keeper what comes."""

    def __init__(self, job: Job, keep: Keep) -> None:
        self._known = {(each.result.task, each.result.seed): each for each in job.known}
        self._keep = keep

    def known(self, task: str, seed: int) -> Booked | None:
        return self._known.get((task, seed))

    def keep(self, entry: Booked) -> None:
        self._keep(entry)
