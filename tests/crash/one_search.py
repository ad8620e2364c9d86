"""One search over made data, for a test to kill: HOME DATA LAST. It kills itself when so many things have happened, and
prints how many there were when it is through.

What is paid for is written to HOME/paid, a line a call or an episode; nothing that happens comes between a payment and
its record.
"""

import asyncio
import os
import signal
import sys
from functools import partial
from pathlib import Path

from alma_mcp.design_store import DesignStore, bundled_designs
from alma_mcp.hosts.inprocess import InProcessHost
from evolve.archive import Archive
from evolve.benchmarks.locomo import Locomo
from evolve.config import SearchSettings
from evolve.endpoints.prices import load_prices
from evolve.evaluated_memory import Laboratory
from evolve.meta.brief import Answer, Proposal
from evolve.runners.local import LocalRunner
from evolve.search import Means, search

GOOD = bundled_designs()["lexical"].source
SETTINGS = SearchSettings(
    benchmark="locomo",
    seeds=["no_memory", "trajectory_retrieval"],
    candidates=3,
    at_once=3,
    embedder="none",
    proposer={"kind": "command", "command": "made"},
    control=0.3,
)
ROUNDS = 4


class Mortal:
    """Counts what happens, and ends the process, as a power cut would, when it is time."""

    def __init__(self, last):
        self.last = last
        self.happened = 0

    def happens(self):
        self.happened += 1
        if self.happened == self.last:
            os.kill(os.getpid(), signal.SIGKILL)


class Onlooker:
    def __init__(self, mortal):
        self.mortal = mortal

    def begins(self, outlook):
        self.mortal.happens()

    def moves(self, step, stage, done=0, total=0):
        self.mortal.happens()

    def became(self, step, name, verdict):
        self.mortal.happens()

    def spent(self, spending):
        self.mortal.happens()


class Paid:
    """A proposer that asks twice for every design, and is asked to pay for it."""

    name = "paid"

    def __init__(self, home, mortal):
        self.bill = home / "paid"
        self.mortal = mortal

    async def propose(self, brief, desk):
        parent = brief.parents[0].design.id[:12]
        told = []
        for question in ("plan", "write/1"):
            answer = await desk.ask(question, "made", 100, partial(self.answered, f"call {brief.seed} {question}"))
            self.mortal.happens()
            told.append(answer.text)
        parts = " + ".join(f"given.part_{brief.seed}_{part}" for part in range(9))
        mechanism = f"\n\ndef more(given):\n    return ({parts}) * {len(brief.others)}\n"
        return Proposal(GOOD + mechanism, f"from {parent}: {told}")

    async def answered(self, what):
        await asyncio.sleep(0)
        with self.bill.open("a") as file:
            file.write(what + "\n")
        return Answer(f"said to {what}", "made", 10, 5, 0.001)


class Billed(LocalRunner):
    """The local runner, whose episodes are written to the bill as they are kept."""

    def __init__(self, home, *arguments):
        super().__init__(*arguments)
        self.bill = home / "paid"

    async def play(self, job, keep):
        def kept(entry):
            with self.bill.open("a") as file:
                file.write(f"episode {job.design.id[:12]} {entry.result.task} {entry.result.seed}\n")
            keep(entry)

        return await super().play(job, kept)


def main(home, data, last):
    mortal = Mortal(last)
    store = DesignStore(home / "designs")
    laboratory = Laboratory(InProcessHost(), None)
    benchmark = Locomo(data)
    with Archive(home / "archive.db", store) as archive:
        runner = Billed(home, benchmark, laboratory, 2)
        means = Means(archive, benchmark, laboratory, runner, Paid(home, mortal), load_prices())
        asyncio.run(search(SETTINGS, ROUNDS, means, Onlooker(mortal)))
    print(mortal.happened)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
