import contextlib
import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from alma_mcp.access import Principal
from alma_mcp.composition import compose
from alma_mcp.config import Settings
from alma_mcp.contract import Experience, MemoryItem, Query, Retrieval
from alma_mcp.design_store import Design
from alma_mcp.errors import DataMissing
from alma_mcp.home import Home
from alma_mcp.service import Draft
from evolve.benchmarks import Feedback, Task
from evolve.benchmarks.replay import Replay
from evolve.evaluate import evaluate

ALMA_EVOLVE = Path(sys.executable).parent / "alma-evolve"
WHO = Principal("session", "project:/a")
PLACES = ("attic", "cellar", "garden", "harbour", "kitchen", "library")
THINGS = ("anchor", "beehive", "candle", "drum", "easel")


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path / "home")
    home.prepare()
    return home


@contextlib.asynccontextmanager
async def opened(home):
    """The real service over a home; what it was told is taken in before it closes."""
    async with compose(home, Settings(embedder="none", first_champion="lexical")) as parts:
        yield parts
        for scope in parts.log.counts():
            await parts.serving.follow(scope)


def alma_evolve(*arguments) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ALMA_EVOLVE, *arguments], capture_output=True, text=True, check=False)


async def live(home, count: int = 24) -> list[str]:
    """Store a fact, ask for it, and say that it helped; `count` times. Gives the ids of the facts."""
    ids = []
    async with opened(home) as parts:
        for number in range(count):
            thing, place = THINGS[number % 5], PLACES[number // 5]
            fact, _ = await parts.service.update(WHO, Draft(f"The {thing} is in the {place}"))
            answer = await parts.service.retrieve(WHO, Query(f"Where in the {place} is the {thing}?", limit=8), 1000)
            assert fact in [item.id for item in answer.items]
            await parts.service.feedback(WHO, [fact], "helpful")
            ids.append(fact)
    return ids


def answering(*ids):
    async def recall(query: Query) -> Retrieval:
        return Retrieval(tuple(MemoryItem("text", 1.0, (each,)) for each in ids))

    return recall


def tasks(scope):
    return [moment for moment in scope.moments if isinstance(moment, Task)]


async def only_scope(home, split="all"):
    (scope,) = Replay(home).scopes(split)
    return scope


async def test_a_lived_home_is_replayed_from_the_command_line(home):
    await live(home)
    asked = ["evaluate", "lexical", "--benchmark", "replay", "--split", "all", "--embedder", "none", "--json"]
    done = alma_evolve("--home", home.path, *asked)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["tasks"] == 24
    assert report["metrics"]["recall@10"]["mean"] == report["metrics"]["any@5"]["mean"] == 1.0
    assert report["metrics"]["ndcg@10"]["mean"] > 0.9
    assert report["controls"]["empty"] == 0.0


async def test_each_question_is_asked_when_what_it_could_know_and_nothing_later_is_in(home):
    ids = await live(home)
    scope = await only_scope(home)
    told: list[str] = []
    for number, task in enumerate(tasks(scope)):
        index = scope.moments.index(task)
        before = scope.moments[:index]
        assert [each.id for each in before if isinstance(each, Experience)] == ids[: number + 1]
        told = [experience for each in before if isinstance(each, Feedback) for experience in each.experiences]
        assert told == ids[:number]
        assert task.answer == {ids[number]}
    assert len(told) == 23


async def test_splits_are_blocks_of_time_and_later_ones_remember_everything_earlier(home):
    await live(home)
    asked = {split: tasks(await only_scope(home, split)) for split in ("search", "validation", "gate", "all")}
    assert [*asked["search"], *asked["validation"], *asked["gate"]] == asked["all"]
    gate = await only_scope(home, "gate")
    first = next(index for index, moment in enumerate(gate.moments) if isinstance(moment, Task))
    assert sum(isinstance(moment, Experience) for moment in gate.moments[:first]) == 18
    assert sum(isinstance(moment, Feedback) for moment in gate.moments[:first]) == 17


async def test_feedback_reaches_the_design_as_in_production(home, laboratory):
    await live(home)
    source = """
from alma_mcp.contract import Memory, MemoryItem, Retrieval

class Praised(Memory):
    name = "praised"
    state_in_python = True

    def __init__(self, toolkit):
        super().__init__(toolkit)
        self.praised = []

    async def feedback(self, experiences, signal):
        self.praised += [each for each in experiences if signal == "helpful"]

    async def retrieve(self, query):
        return Retrieval(tuple(MemoryItem(each, 1.0, (each,)) for each in reversed(self.praised)))
"""
    seen: list[list[str]] = []

    class Watching(Replay):
        async def play(self, scope, task, recall):
            seen.append([item.experiences[0] for item in (await recall(task.query)).items])
            return await super().play(scope, task, recall)

    verdict = await evaluate(Design(source, "praised"), Watching(home), "all", laboratory)
    assert verdict.score.mean == 0.0
    assert [len(each) for each in seen] == list(range(24))


async def test_metrics_count_what_helped_among_the_first(home):
    ids = await live(home)
    scope = await only_scope(home)
    benchmark, task = Replay(home), tasks(scope)[0]
    others = [f"other{number}" for number in range(10)]
    best = (await benchmark.play(scope, task, answering(ids[0], *others))).metrics
    third = (await benchmark.play(scope, task, answering(*others[:2], ids[0]))).metrics
    none = (await benchmark.play(scope, task, answering(*others, ids[0]))).metrics
    assert best == {"recall@10": 1.0, "any@5": 1.0, "ndcg@10": 1.0}
    assert third == {"recall@10": 1.0, "any@5": 1.0, "ndcg@10": 0.5}
    assert none == {"recall@10": 0.0, "any@5": 0.0, "ndcg@10": 0.0}


async def test_the_last_word_on_an_experience_counts(home):
    ids = await live(home, 21)
    async with opened(home) as parts:
        await parts.service.feedback(WHO, [ids[20]], "harmful")
    assert {next(iter(task.answer)) for task in tasks(await only_scope(home))} == set(ids[:20])


async def test_feedback_belongs_to_the_latest_question_that_brought_it_back(home):
    ids = await live(home)
    async with opened(home) as parts:
        await parts.service.retrieve(WHO, Query("What is the anchor in the attic for?"), 1000)
        await parts.service.feedback(WHO, [ids[0]], "helpful")
    asked = tasks(await only_scope(home))
    assert [task.query.text for task in asked if ids[0] in task.answer] == [
        "Where in the attic is the anchor?",
        "What is the anchor in the attic for?",
    ]


async def test_feedback_long_after_a_question_is_not_about_it(home):
    ids = await live(home, 21)
    with sqlite3.connect(home.experiences) as log:
        log.execute("UPDATE events SET at = at + 90000 WHERE kind = 'feedback' AND position = 2")
    log.close()
    assert ids[0] not in {each for task in tasks(await only_scope(home)) for each in task.answer}


async def test_what_is_forgotten_is_neither_taken_in_nor_asked_for(home):
    ids = await live(home)
    async with opened(home) as parts:
        await parts.service.forget(WHO, [ids[23]])
    scope = await only_scope(home)
    assert len(tasks(scope)) == 23
    assert ids[23] not in json.dumps([each.to_json() for each in scope.moments if isinstance(each, Experience)])
    assert not any(ids[23] in each.experiences for each in scope.moments if isinstance(each, Feedback))


async def test_a_question_is_asked_of_each_scope_that_holds_some_of_its_answer(home):
    await live(home)
    async with opened(home) as parts:
        mine, _ = await parts.service.update(WHO, Draft("The zither is mine", place="user"))
        ours, _ = await parts.service.update(WHO, Draft("The zither is ours"))
        await parts.service.retrieve(WHO, Query("zither"), 1000)
        await parts.service.feedback(WHO, [mine, ours], "helpful")
    scopes = {scope.name: scope for scope in Replay(home).scopes("all")}
    assert set(scopes) == {"project:/a", "user"}
    assert [task.answer for task in tasks(scopes["user"])] == [{mine}]
    assert tasks(scopes["project:/a"])[-1].answer == {ours}
    assert len([each for each in scopes["user"].moments if isinstance(each, Experience)]) == 1


async def test_nothing_in_the_home_is_written_while_its_engine_runs_or_not(home):
    await live(home)

    def files():
        return {path.name: path.read_bytes() for path in home.path.iterdir() if path.suffix.startswith(".db")}

    before = files()
    Replay(home).scopes("all")
    assert files() == before
    async with opened(home) as parts:
        await parts.service.update(WHO, Draft("The last thing"))
        await parts.service.retrieve(WHO, Query("last"), 1000)
        await parts.questions.settled()
        running = files()
        assert len(tasks(await only_scope(home))) == 24
        assert files() == running


async def test_too_few_labelled_questions_are_refused_with_how_many_are_missing(home):
    await live(home, 13)
    with pytest.raises(DataMissing, match=r"13 questions .* at least 20 are needed, so 7 more"):
        Replay(home).scopes("all")


@pytest.mark.parametrize("damage", ["no home", "no question log", "no database", "another database", "another row"])
async def test_a_bad_home_is_one_sentence_and_exit_code_1(home, damage):
    await live(home, 1)
    match damage:
        case "no home":
            home = Home(home.path / "nowhere")
        case "no question log":
            home.questions.unlink()
        case "no database":
            home.questions.write_bytes(b"nonsense" * 1000)
        case "another database":
            home.questions.unlink()
            sqlite3.connect(home.questions).close()
        case "another row":
            with sqlite3.connect(home.questions) as log:
                log.execute("UPDATE questions SET body = '{}'")
            log.close()
    done = alma_evolve("evaluate", "lexical", "--benchmark", "replay", "--data", home.path, "--embedder", "none")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert str(home.path) in done.stderr
