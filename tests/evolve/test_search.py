import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from alma_mcp.design_store import bundled_designs
from alma_mcp.errors import BudgetSpent, EvolveError
from evolve.benchmarks.locomo import Locomo
from evolve.budget import Budget
from evolve.config import GateSettings, SearchSettings
from evolve.evaluation import Evaluation, Rejection, TaskResult, from_json, to_json
from evolve.gate import Gate
from evolve.propose import Proposal
from evolve.proposers.recombine import Recombine
from evolve.search import Watcher, search

SEEDS = bundled_designs()
GOOD = SEEDS["lexical"].source.replace('name = "lexical"', 'name = "proposed"')


def settings(**more):
    chosen = {
        "benchmark": "locomo",
        "seeds": ["no_memory", "trajectory_retrieval"],
        "candidates": 2,
        "embedder": "none",
    }
    return SearchSettings.model_validate({**chosen, **more})


def watcher(told=None):
    seen = told if told is not None else []
    return Watcher(lambda title: None, lambda done, total: None, lambda title, verdict: seen.append((title, verdict)))


class Scripted:
    """A proposer that counts, and answers from a list."""

    name = "scripted"

    def __init__(self, *sources):
        self.sources = list(sources)
        self.asked = 0

    async def propose(self, brief):
        self.asked += 1
        return Proposal(self.sources[(self.asked - 1) % len(self.sources)], f"hypothesis {self.asked}")


async def test_a_search_finds_a_better_design_and_keeps_every_one(archive, locomo_file, laboratory):
    told = []
    proposer = Scripted(GOOD, GOOD + "\n# another\n")
    await search(settings(), 1, archive, Locomo(locomo_file), laboratory, proposer, watcher(told))
    scores = {each.name: each.score.mean for each in archive.scores("locomo").values()}
    assert scores["no_memory"] == 0.0
    assert max(scores, key=scores.get).startswith("scripted")
    assert len(archive.entries()) == 4
    assert archive.entries()[-1].hypothesis == "hypothesis 2"
    assert [title for title, _ in told][-1] == "round 1 of 1, candidate 2 of 2"


@pytest.mark.parametrize(
    ("source", "stage"),
    [
        ("def broken(:", "static"),
        ("import requests\n", "static"),
        ("x = 1\n", "smoke"),
        (GOOD.replace("return [key for", "raise KeyError('x')\n        return [key for"), "smoke"),
    ],
)
async def test_a_bad_proposal_is_a_rejection_with_its_stage(archive, locomo_file, laboratory, source, stage):
    told = []
    await search(settings(candidates=1), 1, archive, Locomo(locomo_file), laboratory, Scripted(source), watcher(told))
    verdict = told[-1][1]
    assert isinstance(verdict, Rejection)
    assert verdict.stage == stage


async def test_a_design_that_answers_by_chance_is_rejected(archive, locomo_file, laboratory):
    source = "import random\n" + GOOD.replace(
        "return [key for", "return {key: random.random() for key in (1, 2, 3)}\n        return [key for"
    )
    told = []
    await search(settings(candidates=1), 1, archive, Locomo(locomo_file), laboratory, Scripted(source), watcher(told))
    assert told[-1][1].stage == "determinism"


async def test_an_interrupted_run_goes_on_and_pays_for_nothing_twice(archive, locomo_file, laboratory):
    class Interrupted(Scripted):
        async def propose(self, brief):
            if self.asked == 3:
                raise KeyboardInterrupt
            return await super().propose(brief)

    first = Interrupted(GOOD, GOOD + "\n# two\n", GOOD + "\n# three\n")
    with pytest.raises(KeyboardInterrupt):
        await search(settings(), 3, archive, Locomo(locomo_file), laboratory, first, watcher())
    second = Scripted(GOOD + "\n# four\n", GOOD + "\n# five\n", GOOD + "\n# six\n")
    await search(settings(), 3, archive, Locomo(locomo_file), laboratory, second, watcher())
    assert (first.asked, second.asked) == (3, 3)
    assert archive.begin(settings().model_dump_json(), 1).done == 0


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from alma_mcp.design_store import DesignStore
from alma_mcp.hosts.inprocess import InProcessHost
from evolve.archive import Archive
from evolve.benchmarks.locomo import Locomo
from evolve.evaluated_memory import Laboratory
from evolve.search import search
from test_search import GOOD, Scripted, settings, watcher

class Paid(Scripted):
    async def propose(self, brief):
        with open({paid!r}, "a") as file:
            file.write("x")
        number = os.path.getsize({paid!r})
        return (await super().propose(brief)).__class__(GOOD + f"\\n# {{number}}\\n", "h")

def became(title, verdict):
    if title == sys.argv[1]:
        os.kill(os.getpid(), signal.SIGKILL)

def working(title):
    if title == sys.argv[1] + " begins":
        os.kill(os.getpid(), signal.SIGKILL)

home = Path({home!r})
store = DesignStore(home / "designs")
watch = watcher()
object.__setattr__(watch, "became", became)
with Archive(home / "archive.db", store) as archive:
    laboratory = Laboratory(InProcessHost(), None)
    asyncio.run(search(settings(), 2, archive, Locomo(Path({data!r})), laboratory, Paid(GOOD), watch))
"""


def test_a_search_killed_after_every_step_pays_once_for_each(tmp_path, locomo_file):
    paid = tmp_path / "paid"
    script = textwrap.dedent(KILLED).format(
        tests=str(Path(__file__).parent), paid=str(paid), home=str(tmp_path / "home"), data=str(locomo_file)
    )
    (tmp_path / "home").mkdir()
    steps = [f"round {number} of 2, candidate {candidate} of 2" for number in (1, 2) for candidate in (1, 2)]
    for step in ("seed no_memory", *steps):
        done = subprocess.run(
            [sys.executable, "-c", script, step], capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == -signal.SIGKILL, done.stderr
    done = subprocess.run(
        [sys.executable, "-c", script, "none"], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert paid.stat().st_size == 4
    with sqlite3.connect(tmp_path / "home" / "archive.db") as raw:
        assert raw.execute("SELECT count(*) FROM journal").fetchone() == (4,)
        assert raw.execute("SELECT done FROM runs").fetchall() == [(2,)]
    raw.close()


async def test_the_gate_passes_a_better_design_and_counts_its_opening(archive, locomo_file, laboratory):
    gate = Gate(archive, Locomo(locomo_file), laboratory, GateSettings(latency_ratio=1000))
    better, worse = SEEDS["lexical"], SEEDS["no_memory"]
    archive.add(better, "seed", "words suffice", [], 1.0)
    dossier = await gate.open(better, worse, "test")
    assert dossier.verdict == "passed", dossier.objections
    assert (dossier.tasks, dossier.wins, dossier.opening, dossier.hypothesis) == (12, 12, 1, "words suffice")
    assert dossier.controls["empty"] == 0.0
    again = await gate.open(better, worse, "test")
    assert again.opening == 2
    assert again.alpha < dossier.alpha


async def test_the_gate_refuses_what_is_no_better(archive, locomo_file, laboratory):
    gate = Gate(archive, Locomo(locomo_file), laboratory, GateSettings())
    dossier = await gate.open(SEEDS["no_memory"], SEEDS["lexical"], "test")
    assert dossier.verdict == "failed"
    assert any("below the minimum" in each for each in dossier.objections)
    assert any("may be chance" in each for each in dossier.objections)


async def test_the_gate_calls_out_knowledge_that_needs_no_memory(archive, locomo_file, laboratory):
    benchmark = Locomo(locomo_file)
    known = [sorted(task.answer)[0] for scope in benchmark.scopes("gate") for task in scope.moments[6:]]
    source = (
        "from alma_mcp.contract import Memory, MemoryItem, Retrieval\n"
        "class Smuggler(Memory):\n"
        "    async def retrieve(self, query):\n"
        f"        return Retrieval(tuple(MemoryItem('x', 1.0, (each,)) for each in {known!r}[:10]))\n"
    )
    from alma_mcp.design_store import Design

    dossier = await Gate(archive, benchmark, laboratory, GateSettings()).open(
        Design(source), SEEDS["no_memory"], "test"
    )
    assert dossier.verdict == "failed"
    assert any("empty memory" in each for each in dossier.objections)


async def test_the_challenger_is_chosen_on_validation(archive, locomo_file, laboratory):
    benchmark = Locomo(locomo_file)
    await search(settings(), 1, archive, benchmark, laboratory, Scripted(GOOD), watcher())
    chosen = await Gate(archive, benchmark, laboratory, GateSettings()).choose(SEEDS["no_memory"])
    assert chosen.name.startswith("scripted")
    assert archive.scores("locomo", "validation")


async def test_an_empty_archive_has_nothing_to_promote(archive, locomo_file, laboratory):
    with pytest.raises(EvolveError, match="alma-evolve run"):
        await Gate(archive, Locomo(locomo_file), laboratory, GateSettings()).choose(SEEDS["no_memory"])


async def test_recombination_carries_a_whole_search(archive, locomo_file, laboratory):
    chosen = settings(donors=["lexical", "hybrid"], candidates=3)
    await search(chosen, 2, archive, Locomo(locomo_file), laboratory, Recombine(), watcher())
    names = [entry.name for entry in archive.entries()]
    assert len([name for name in names if name.startswith("recombine")]) >= 4


def test_a_spent_budget_says_where_to_raise_it():
    budget = Budget(calls=1, tokens=100)
    budget.check()
    budget.spend(calls=1, tokens=10)
    with pytest.raises(BudgetSpent, match=r"\[budget\]"):
        budget.check()


@pytest.mark.parametrize(
    "verdict",
    [
        Rejection("d", "smoke", "why", "trace"),
        Evaluation(
            "d",
            "n",
            "locomo",
            "gate",
            "recall@10",
            [TaskResult("t", "c", {"recall@10": 0.5}, 3, 1.5)],
            {"empty": {"t": 0.0}},
        ),
    ],
)
def test_a_verdict_survives_the_archive(verdict):
    assert from_json(to_json(verdict)) == verdict
