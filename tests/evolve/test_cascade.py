import math

import pytest

from alma_mcp.contract import Query
from alma_mcp.design_store import Design
from evolve.benchmarks import Scope, Task
from evolve.benchmarks.locomo import Locomo
from evolve.book import Booked
from evolve.cascade import CascadeSettings, learning_order, plan, play_cascade
from evolve.cascade.race import contenders, race
from evolve.errors import EnvironmentLost
from evolve.evaluate import evaluate
from evolve.evaluation import Evaluation, Rejection, TaskResult
from evolve.playing import tasks_of
from evolve.runners.local import LocalRunner

TASKS = {f"t{number}": f"c{number % 5}" for number in range(100)}
INCUMBENT = {task: float(number % 2) for number, task in enumerate(TASKS)}
SAME = CascadeSettings()


def evaluation(scores, design="other", eliminated="", estimate=None, failed=""):
    results = [TaskResult(task, TASKS[task], {"hit": score}, 0, 0.0, failed) for task, score in scores.items()]
    return Evaluation(
        design, design, "made", "search", "hit", results, seconds=1.0, eliminated=eliminated, estimate=estimate, asked=2
    )


class Table:
    """A runner that looks scores up, and remembers what it was asked for."""

    width = 1

    def __init__(self, scores, failed="", lost_after=math.inf):
        self.scores, self.failed, self.lost_after = scores, failed, lost_after
        self.played, self.jobs = [], []

    async def play(self, job, keep):
        self.jobs.append(job)
        known = {entry.result.task for entry in job.known}
        assert known <= job.only
        for task in sorted(job.only - known):
            if len(self.played) >= self.lost_after:
                raise EnvironmentLost("The environment is gone.")
            self.played.append(task)
            keep(Booked(TaskResult(task, TASKS[task], {"hit": self.scores[task]}, 0, 0.0, self.failed)))
        return evaluation({task: self.scores[task] for task in job.only}, job.design.id, failed=self.failed)


class Page:
    def __init__(self):
        self.kept = []

    def entries(self):
        return list(self.kept)

    def keep(self, entry):
        self.kept.append(entry)


async def cascaded(scores, incumbent=INCUMBENT, settings=SAME, book=None, told=None, tasks=TASKS, **more):
    runner, design = Table(scores, **more), Design("x = 1\n", "candidate")
    stages = plan(tasks, [INCUMBENT], settings, 0)
    best = evaluation({task: incumbent[task] for task in tasks}) if incumbent else None
    seen = told if told is not None else []
    verdict = await play_cascade(design, stages, best, runner, book or Page(), lambda *at: seen.append(at))
    return verdict, runner


def better(by):
    return {task: min(1.0, max(0.0, score + by)) for task, score in INCUMBENT.items()}


async def test_a_better_candidate_plays_everything_and_nothing_twice():
    verdict, runner = await cascaded(dict.fromkeys(TASKS, 1.0))
    assert (verdict.eliminated, verdict.estimate) == ("", None)
    assert sorted(runner.played) == sorted(TASKS)
    assert len(verdict.scores) == 100


async def test_a_worse_candidate_is_eliminated_early_with_an_estimate_of_the_whole():
    verdict, runner = await cascaded(dict.fromkeys(TASKS, 0.0))
    assert verdict.eliminated in ("smoke", "proxy")
    assert len(runner.played) == len(verdict.scores) <= 10
    assert verdict.mean < verdict.estimate < 0.5
    assert verdict.worth == verdict.estimate


async def test_a_lower_threshold_lets_it_play_on():
    patient, _ = await cascaded(dict.fromkeys(TASKS, 0.0), settings=CascadeSettings(threshold=0.01))
    assert patient.eliminated == "search set"
    never, _ = await cascaded(dict.fromkeys(TASKS, 0.0), settings=CascadeSettings(threshold=0.0))
    assert (never.eliminated, len(never.scores)) == ("", 100)


async def test_without_an_incumbent_nothing_is_eliminated():
    verdict, runner = await cascaded(dict.fromkeys(TASKS, 0.0), incumbent=None)
    assert (verdict.eliminated, len(runner.played)) == ("", 100)


async def test_a_design_that_fails_on_all_smoke_tasks_is_rejected_with_the_reason():
    verdict, runner = await cascaded(dict.fromkeys(TASKS, 0.0), incumbent=None, failed="KeyError: 'x'")
    assert isinstance(verdict, Rejection)
    assert verdict.stage == "smoke test"
    assert "KeyError: 'x'" in verdict.reason
    assert len(runner.played) == 3


async def test_who_looks_on_is_told_of_every_stage():
    told = []
    await cascaded(dict.fromkeys(TASKS, 1.0), told=told)
    assert list(dict.fromkeys(stage for stage, _, _ in told)) == ["smoke", "proxy", "search set"]
    for stage, total in (("smoke", 3), ("proxy", 7), ("search set", 90)):
        of_stage = [(done, most) for each, done, most in told if each == stage]
        assert of_stage[0] == (0, total)
        assert of_stage[-1] == (total, total)


async def test_what_is_in_the_book_is_not_played_again_and_the_end_is_the_same():
    whole, _ = await cascaded(better(0.1))
    book = Page()
    with pytest.raises(EnvironmentLost):
        await cascaded(better(0.1), book=book, lost_after=17)
    assert len(book.kept) == 17
    again, runner = await cascaded(better(0.1), book=book)
    assert len(runner.played) == len(whole.scores) - 17
    assert again.scores == whole.scores


async def test_what_the_parts_took_is_added_up():
    verdict, runner = await cascaded(dict.fromkeys(TASKS, 1.0))
    assert verdict.seconds == len(runner.jobs)
    assert verdict.asked == 2 * len(runner.jobs)


@pytest.mark.parametrize(
    ("whole", "stages"),
    [(2, ["search set"]), (3, ["search set"]), (20, ["smoke", "search set"]), (24, ["smoke", "proxy", "search set"])],
)
def test_a_small_split_has_fewer_stages(whole, stages):
    tasks = dict(list(TASKS.items())[:whole])
    parts = plan(tasks, [], SAME, 0).parts
    assert list(dict.fromkeys(part.stage for part in parts)) == stages
    assert parts[-1].upto == whole
    assert [part.upto for part in parts] == sorted({part.upto for part in parts})


def test_the_proxy_has_all_clusters_and_the_smoke_one():
    stages = plan(TASKS, [], SAME, 0)
    assert len({TASKS[task] for task in stages.order[:3]}) == 1
    assert {TASKS[task] for task in stages.order[:10]} == set(TASKS.values())


def test_a_memory_that_learns_is_played_from_its_beginning():
    def task(name, seed=0):
        return Task(name, Query(name), frozenset(), "c", seed=seed)

    learning = Scope("a", [task("a0"), task("a0", 1), task("a1"), task("a2")], learning=True)
    assert learning_order([learning, Scope("b", [task("b0"), task("b1")])]) == {"a1": "a0", "a2": "a1"}
    order = plan(dict.fromkeys(["a2", "a1", "a0"], "c"), [], SAME, 0, {"a1": "a0", "a2": "a1"}).order
    assert order == ("a0", "a1", "a2")


def part(scores, count, design, eliminated="proxy"):
    return evaluation({task: scores[task] for task in list(TASKS)[:count]}, design, eliminated, 0.5)


def field(**designs):
    """Designs that score so on every task, by the number of tasks that they have played."""
    return {
        name: part(dict.fromkeys(TASKS, score), count, name, "" if count == 100 else "proxy")
        for name, (score, count) in designs.items()
    }


def playing_on(found):
    scores = {design: each.scores for design, each in found.items()}
    return contenders(scores, {design for design, each in found.items() if each.eliminated}, list(TASKS), 3, SAME)


def test_whoever_may_be_a_finalist_plays_on_and_the_hopeless_do_not():
    found = field(first=(0.9, 100), second=(0.8, 100), third=(0.7, 100), near=(0.68, 10), far=(0.1, 30))
    assert playing_on(found) == ["near"]


def test_the_race_ends_when_all_finalists_have_played_everything():
    found = field(first=(0.9, 100), second=(0.8, 100), third=(0.7, 100), far=(0.1, 30))
    assert playing_on(found) == []


async def test_the_race_finds_a_finalist_that_was_eliminated():
    found = field(first=(0.9, 100), second=(0.6, 100), third=(0.5, 100), lost=(0.8, 10), far=(0.05, 40))
    asked = []

    async def resume(design, only):
        asked.append((design, len(only)))
        return evaluation(dict.fromkeys(only, found[design].mean), design)

    after = await race(found, list(TASKS), 3, SAME, resume)
    assert (after["lost"].eliminated, after["lost"].estimate) == ("", None)
    assert len(after["lost"].scores) == 100
    assert after["far"].eliminated == "proxy"
    assert {design for design, _ in asked} == {"lost"}
    assert [count for _, count in asked] == sorted({count for _, count in asked})


async def test_a_design_that_breaks_in_the_race_is_out_of_it():
    found = field(first=(0.9, 100), second=(0.6, 100), third=(0.5, 100), lost=(0.8, 10))

    async def resume(design, only):
        return Rejection(design, "collection", "it broke")

    assert set(await race(found, list(TASKS), 3, SAME, resume)) == {"first", "second", "third"}


async def test_tasks_that_the_machine_loses_do_not_keep_the_race_going():
    found = field(first=(0.9, 100), second=(0.6, 100), third=(0.5, 100), lost=(0.8, 10))

    async def resume(design, only):
        return evaluation({task: 0.8 for task in only if task != "t55"}, design)

    after = await race(found, list(TASKS), 3, SAME, resume)
    assert after["lost"].eliminated == ""
    assert len(after["lost"].scores) == 99


async def test_on_this_machine_the_parts_come_to_what_a_whole_evaluation_does(archive, locomo_file, laboratory):
    benchmark = Locomo(locomo_file)
    design = archive.store.find("lexical")
    tasks = {task.id: task.cluster for scope in benchmark.scopes("search") for task in tasks_of(scope)}
    archive.add(design, "seed", "", (), 0.0)
    book = archive.book(design.id, benchmark.name, "search")
    stages = plan(tasks, [], CascadeSettings(smoke=1), 0)
    verdict = await play_cascade(design, stages, None, LocalRunner(benchmark, laboratory), book, lambda *_: None)
    whole = await evaluate(design, benchmark, "search", laboratory)
    assert verdict.scores == whole.scores
    assert {entry.result.task for entry in book.entries()} == set(tasks)
