"""What the test of the Ray runner starts: what its nodes open, and the program that sends them jobs."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path

from alma_mcp.design_store import DesignStore
from alma_mcp.errors import EvolveError
from alma_mcp.home import Home
from evolve.archive import Archive
from evolve.benchmarks import Played
from evolve.episode import Episode, Game
from evolve.episodes import Episodes
from evolve.runners import Job
from evolve.runners.bench import Bench, BenchSettings, open_bench

HANGS_AFTER = 4
JOBS = (("lexical", "search"), ("trajectory_retrieval", "validation"))


class Counted:
    """A benchmark that writes down what it plays, and keeps an episode of it. The first that plays hangs, for ever,
    after four tasks.
    """

    def __init__(self, inner, home, *, hangs):
        self.name, self.primary, self.scopes = inner.name, inner.primary, inner.scopes
        self._inner = inner
        self._home = home
        self._hangs = hangs
        self._begun = 0

    async def play(self, scope, task, recall):
        if self._hangs and not self._begun:
            with contextlib.suppress(FileExistsError), (self._home / "first").open("x") as file:
                file.write(str(os.getpid()))
        first = self._hangs and (self._home / "first").read_text() == str(os.getpid())
        if first and self._begun == HANGS_AFTER:
            await asyncio.Event().wait()
        self._begun += 1
        played = await self._inner.play(scope, task, recall)
        episode = Episode(Game("babaisai", task.id, 0, "made"), "made", 0, "goal", "first", (), (), 0.0, won=False)
        trace = Episodes(self._home / "episodes").keep(self.name, episode)
        with (self._home / "played").open("a") as file:
            file.write(f"{os.getpid()} {task.id}\n")
        return Played(played.metrics, trace=trace)


@contextlib.asynccontextmanager
async def open_counted(text):
    async with open_bench(text) as bench:
        yield Bench(Counted(bench.benchmark, bench.home.path, hangs=True), bench.laboratory, bench.home)


async def play_all(runner, home, after=lambda result: None):
    """Both jobs at once, into the archive of a home; gives what became of them."""
    store = DesignStore(home.designs)
    with Archive(home.archive, store) as archive:

        async def play(name, split):
            design = store.find(name)
            archive.add(design, "seed", "", (), 1.0)
            book = archive.book(design.id, "locomo", split)

            def keep(entry):
                book.keep(entry)
                after(entry.result)

            verdict = await runner.play(Job(design, split), keep)
            archive.judge(design.id, "locomo", split, verdict)
            return verdict

        return await asyncio.gather(*(play(*job) for job in JOBS))


def end_session(session):
    """Kill every process of a session."""
    while alive := [pid for pid, found in _sessions() if found == session]:
        for pid in alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _sessions():
    """Every process that is alive, with its session."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, _, session = path.read_text().rpartition(")")[2].split()[:4]
            if state not in "ZX":
                yield int(path.parent.name), int(session)


async def main(address, data, head, nodes):
    from evolve.runners.ray import open_ray

    head, nodes = Home(Path(head)), Path(nodes)
    kept = set()
    killed = []

    def kill_the_first(result):
        """As soon as all that it will ever play has arrived."""
        kept.add(result.task)
        first = (nodes / "first").read_text()
        lines = [line.split() for line in (nodes / "played").read_text().splitlines()]
        theirs = {task for pid, task in lines if pid == first}
        if not killed and len(theirs) == HANGS_AFTER and theirs <= kept:
            killed.append(os.getsid(int(first)))
            end_session(killed[0])

    settings = BenchSettings("locomo", data, embedder="none", home=str(nodes))
    counted = "ray_cluster:open_counted"
    async with open_ray(address, settings, "locomo", Episodes(head.episodes), opening=counted, patience=60) as runner:
        await play_all(runner, head, kill_the_first)
        width = runner.width
    fell = []
    for wrong, name in (
        (BenchSettings("locomo", "/nowhere", embedder="none", home=str(nodes)), "locomo"),
        (settings, "x"),
    ):
        try:
            async with open_ray(address, wrong, name, Episodes(head.episodes), patience=60) as runner:
                await play_all(runner, head)
        except EvolveError as error:
            fell.append([type(error).__name__, str(error)])
    print(json.dumps({"width": width, "killed": killed, "fell": fell}))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
