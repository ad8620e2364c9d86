import asyncio
from dataclasses import replace

import pytest

from alma_mcp.design_store import Design, bundled_designs
from alma_mcp.errors import BudgetSpent, HostError
from evolve.benchmarks.locomo import Locomo
from evolve.config import SearchSettings
from evolve.endpoints.prices import load_prices
from evolve.evaluation import Evaluation, Rejection, TaskResult, from_json, to_json
from evolve.gain import gain_over_iid
from evolve.meta.brief import Proposal
from evolve.proposers.recombine import Recombine
from evolve.runners.local import LocalRunner
from evolve.search import Means, search

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


def variant(number):
    """The good design once more, as another one."""
    return f"{GOOD}\nNUMBER = {number}\n"


def other(number):
    """The good design with a function of its own, which makes it new however strictly one asks."""
    parts = " + ".join(f"given.part_{number}_{part}" for part in range(9))
    return f"{GOOD}\n\ndef more(given):\n    return {parts}\n"


class Onlooker:
    """A watcher that remembers what became of each candidate."""

    def __init__(self):
        self.told = []

    def begins(self, outlook):
        self.outlook = outlook

    def moves(self, step, stage, done=0, total=0):
        pass

    def became(self, step, name, verdict):
        self.told.append((step, verdict))

    def spent(self, spending):
        self.spending = spending


def means(archive, data, laboratory, proposer):
    """What a search on the made LoCoMo data works with."""
    benchmark = Locomo(data)
    return Means(archive, benchmark, laboratory, LocalRunner(benchmark, laboratory, 2), proposer, load_prices())


class Scripted:
    """A proposer that counts, and answers from a list."""

    name = "scripted"

    def __init__(self, *sources):
        self.sources = list(sources)
        self.asked = 0

    async def propose(self, brief, desk):
        self.asked += 1
        return Proposal(self.sources[(self.asked - 1) % len(self.sources)], f"hypothesis {self.asked}")


async def test_a_search_finds_a_better_design_and_keeps_every_one(archive, locomo_file, laboratory):
    told = Onlooker()
    proposer = Scripted(GOOD, variant(2))
    await search(settings(), 1, means(archive, locomo_file, laboratory, proposer), told)
    scores = {each.name: each.score.mean for each in archive.scores("locomo").values()}
    assert scores["no_memory"] == 0.0
    assert max(scores, key=scores.get).startswith("scripted")
    assert len(archive.entries()) == 4
    assert archive.entries()[-1].hypothesis == "hypothesis 2"
    assert sorted(step for step, _ in told.told) == ["1.1", "1.2", "seed no_memory", "seed trajectory_retrieval"]


class Asking(LocalRunner):
    """Plays designs that asked a model three times."""

    async def play(self, job, keep):
        verdict = await super().play(job, keep)
        return replace(verdict, asked=3, asked_tokens_in=1_000_000, asked_tokens_out=100_000)


async def test_what_designs_ask_of_a_model_has_its_price(archive, locomo_file, laboratory):
    made = means(archive, locomo_file, laboratory, Scripted(GOOD))
    asking = replace(made, runner=Asking(made.benchmark, laboratory, 2))
    await search(settings(candidates=1, play={"agent": "gpt-5-nano"}), 1, asking, Onlooker())
    costs = [cost for _, cost in archive.journal.costs(archive.journal.runs()[-1]) if cost.what == "design"]
    assert {(cost.who, round(cost.dollars, 9)) for cost in costs} == {("gpt-5-nano", 0.09)}


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
    told = Onlooker()
    await search(settings(candidates=1), 1, means(archive, locomo_file, laboratory, Scripted(source)), told)
    verdict = told.told[-1][1]
    assert isinstance(verdict, Rejection)
    assert verdict.stage == stage


async def test_a_design_that_answers_by_chance_is_rejected(archive, locomo_file, laboratory):
    source = "import random\n" + GOOD.replace(
        "return [key for", "return {key: random.random() for key in (1, 2, 3)}\n        return [key for"
    )
    told = Onlooker()
    await search(settings(candidates=1), 1, means(archive, locomo_file, laboratory, Scripted(source)), told)
    assert told.told[-1][1].stage == "determinism"


async def test_an_interrupted_run_goes_on_and_pays_for_nothing_twice(archive, locomo_file, laboratory):
    class Interrupted(Scripted):
        async def propose(self, brief, desk):
            if self.asked == 3:
                raise HostError("the machine is gone")
            return await super().propose(brief, desk)

    first = Interrupted(*map(variant, (1, 2, 3)))
    with pytest.raises(HostError):
        await search(settings(), 3, means(archive, locomo_file, laboratory, first), Onlooker())
    second = Scripted(*map(variant, (4, 5, 6)))
    await search(settings(), 3, means(archive, locomo_file, laboratory, second), Onlooker())
    assert (first.asked, second.asked) == (3, 3)
    assert archive.journal.begin(settings().model_dump_json(), 1).done == 0


class Slow(LocalRunner):
    """A runner that plays one design only when another one is through."""

    def __init__(self, *arguments, slow, after):
        super().__init__(*arguments)
        self.slow, self.after = Design(slow).id, Design(after).id
        self.through = asyncio.Event()

    async def play(self, job, keep):
        if job.design.id == self.slow:
            await self.through.wait()
        verdict = await super().play(job, keep)
        if job.design.id == self.after:
            self.through.set()
        return verdict


async def test_a_candidate_knows_what_was_judged_before_it_was_due_however_quick_the_others_are(
    archive, locomo_file, laboratory
):
    class Noted(Scripted):
        async def propose(self, brief, desk):
            known.append({design.source for design in brief.others})
            return await super().propose(brief, desk)

    known, proposals = [], [other(number) for number in range(4)]
    made = means(archive, locomo_file, laboratory, Noted(*proposals))
    slow = Slow(made.benchmark, laboratory, 2, slow=proposals[0], after=proposals[1])
    slowly = settings(candidates=4, proposer={"kind": "command", "command": "made"})
    await search(slowly, 1, replace(made, runner=slow), Onlooker())
    seeds = known[0]
    assert len(archive.scores("locomo")) == 6
    assert [each - seeds for each in known] == [set(), set(), {proposals[0]}, {proposals[0], proposals[1]}]


async def test_a_stopped_search_begins_nothing_new_and_goes_on_when_it_is_asked_to(archive, locomo_file, laboratory):
    proposer = Scripted(*map(variant, range(4)))
    made = means(archive, locomo_file, laboratory, proposer)
    await search(settings(candidates=4), 1, replace(made, stopped=lambda: proposer.asked == 2), Onlooker())
    assert proposer.asked == 2
    done = await search(settings(candidates=4), 1, made, Onlooker())
    assert (proposer.asked, done.done) == (4, 1)


@pytest.mark.parametrize("ceiling", [{"episodes": 30}, {"seconds": 0}])
async def test_a_search_ends_at_its_ceiling_and_goes_on_when_that_is_raised(archive, locomo_file, laboratory, ceiling):
    proposer = Scripted(*map(variant, range(4)))
    low = settings(candidates=4, at_once=1, budget=ceiling)
    told = Onlooker()
    with pytest.raises(BudgetSpent, match=r"raise it under \[budget\]"):
        await search(low, 1, means(archive, locomo_file, laboratory, proposer), told)
    assert archive.journal.runs()[0].done == 0
    assert all(cost.episodes <= 30 for _, cost in archive.journal.costs(archive.journal.runs()[0]))
    assert sum(cost.episodes for _, cost in archive.journal.costs(archive.journal.runs()[0])) <= 30
    done = await search(settings(candidates=4, at_once=1), 1, means(archive, locomo_file, laboratory, proposer), told)
    assert (proposer.asked, done.done, len(archive.journal.runs())) == (4, 1, 1)


async def test_a_report_says_what_the_search_gains_over_its_controls(archive, locomo_file, laboratory):
    made = means(archive, locomo_file, laboratory, Scripted(*map(variant, range(8))))
    done = await search(settings(candidates=8, control=0.5), 1, made, Onlooker())
    controls = [step for step, body in archive.journal.steps(done) if body["control"]]
    gain = gain_over_iid(archive, done)
    assert 0 < len(controls) < 8
    assert gain.candidates == min(len(controls), 8 - len(controls))
    assert gain.mean == 0
    whole = [archive.verdict(each, "locomo", "search").eliminated == "" for each in (gain.found, gain.control)]
    assert (gain.difference is not None) is all(whole)


async def test_recombination_carries_a_whole_search(archive, locomo_file, laboratory):
    chosen = settings(donors=["lexical", "hybrid"], candidates=3)
    await search(chosen, 2, means(archive, locomo_file, laboratory, Recombine()), Onlooker())
    names = [entry.name for entry in archive.entries()]
    assert len([name for name in names if name.startswith("recombine")]) >= 4


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


async def test_a_copy_of_a_design_that_nobody_has_evaluated_is_rejected_and_the_design_is_not(
    archive, locomo_file, laboratory
):
    copied = settings(candidates=1, donors=["grep"], proposer={"kind": "command", "command": "made"})
    told = Onlooker()
    await search(copied, 1, means(archive, locomo_file, laboratory, Scripted(SEEDS["grep"].source)), told)
    assert told.told[-1][1].stage == "novelty"
    assert archive.verdict(SEEDS["grep"].id, "locomo", "search") is None


async def test_what_a_job_sets_aside_is_what_it_plays(archive, locomo_file, laboratory):
    """Two seeds and two candidates of twelve tasks, each played once: the ceiling of all of them together is enough."""
    exact = settings(candidates=2, at_once=1, control=0, budget={"episodes": 48})
    done = await search(exact, 1, means(archive, locomo_file, laboratory, Scripted(GOOD, variant(2))), Onlooker())
    assert done.done == 1
    assert sum(cost.episodes for _, cost in archive.journal.costs(done)) == 48
