"""What every host promises a design, and what it demands of it."""

import asyncio
import os
from pathlib import Path

import pytest
from running import FakeAsks, Runner

from alma_mcp.contract import Experience, Query
from alma_mcp.design_store import Design
from alma_mcp.errors import ContractBroken, DeadlineExceeded, DesignFailed, WorkerDied
from alma_mcp.logs.experience_log import ExperienceLog
from alma_mcp.projections.projection import Projection

HEAD = """
import asyncio, json
from alma_mcp.contract import *
"""
LIST = (
    HEAD
    + """
class Listing(Memory):
    name = "listing"
    idea = "keeps ids"

    def __init__(self, toolkit):
        super().__init__(toolkit)
        self.db = toolkit.db
        self.cache = []
        self.db.executescript("CREATE TABLE IF NOT EXISTS seen (id TEXT); CREATE TABLE IF NOT EXISTS said (what TEXT);")

    async def update(self, experience):
        self.db.execute("INSERT INTO seen VALUES (?)", (experience.id,))
        self.cache.append(experience.id)
        await self.digest(experience)

    async def digest(self, experience):
        pass

    async def feedback(self, experiences, signal):
        self.db.execute("INSERT INTO said VALUES (?)", (f"{signal} {','.join(experiences)}",))

    async def forget(self, experiences):
        self.db.executemany("DELETE FROM seen WHERE id = ?", [(each,) for each in experiences])

    def rows(self):
        return [row[0] for row in self.db.execute("SELECT id FROM seen UNION ALL SELECT what FROM said")]

    async def retrieve(self, query):
        return Retrieval(tuple(MemoryItem(row, 1.0, (row,)) for row in self.rows()))
"""
)


def listing(**methods: str) -> str:
    """The design above with some methods replaced: `name=body`, a body line by line."""
    source = LIST.replace("class Listing(Memory)", "class Base(Memory)") + "\nclass Listing(Base):\n    pass\n"
    signatures = {
        "digest": "async def digest(self, experience)",
        "retrieve": "async def retrieve(self, query)",
        "update_many": "async def update_many(self, experiences)",
        "consolidate": "async def consolidate(self)",
    }
    for name, body in methods.items():
        lines = "\n".join(f"        {line}" for line in body.strip().splitlines())
        source += f"\n    {signatures[name]}:\n{lines}\n"
    return source


def items(expression: str) -> str:
    return f"return Retrieval(tuple(MemoryItem(text, 1.0, ('e',)) for text in {expression}))"


def children() -> list[str]:
    """Processes this one has started and not yet waited for; none where the system does not tell."""
    path = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    return path.read_text().split() if path.exists() else []


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 8])
async def test_a_start_that_is_cancelled_ends_and_leaves_no_worker_behind(runner: Runner, tmp_path, turns):
    before = children()
    state = tmp_path / "cancelled"
    state.mkdir(mode=0o700)
    starting = asyncio.create_task(runner.host.start(Design(LIST, "tested"), state, FakeAsks()))
    for _ in range(turns):
        await asyncio.sleep(0)
    starting.cancel()
    await asyncio.wait({starting}, timeout=30)
    assert starting.done()
    if not starting.cancelled():
        await starting.result().close()
    async with asyncio.timeout(10):
        while children() != before:
            await asyncio.sleep(0.01)


async def test_a_design_says_what_it_is_when_it_is_opened(runner: Runner):
    running = await runner.start(LIST)
    expected = {"name": "listing", "idea": "keeps ids", "contract": 1, "needs_complete": False}
    assert running.opened == {**expected, "state_in_python": False, "position": 0}


async def test_what_was_remembered_is_retrieved(runner: Runner):
    running = await runner.start(LIST)
    assert await running.remember("a", "b") == 2
    assert await running.texts() == ["a", "b"]


async def test_feedback_and_forgetting_reach_the_design_in_the_order_of_the_log(runner: Runner):
    running = await runner.start(LIST)
    happened = running.happened("a", "b")
    helped = running.events("feedback", {"experiences": ["a"], "signal": "helpful"})
    forgotten = running.events("forgetting", {"experiences": ["a"]})
    await running.apply(*happened, *helped, *forgotten, *running.happened("c"))
    assert await running.texts() == ["b", "c", "helpful a"]


async def test_an_event_is_applied_exactly_once(runner: Runner):
    running = await runner.start(LIST)
    events = running.happened("a", "b")
    await running.apply(*events)
    assert await running.apply(*events, *running.happened("c")) == 3
    assert await running.texts() == ["a", "b", "c"]


async def test_memory_and_position_are_there_after_a_restart(runner: Runner):
    running = await runner.start(LIST)
    await running.remember("a", "b")
    again = await runner.again(running)
    assert again.position == 2
    assert await again.texts() == ["a", "b"]


async def test_a_failed_update_leaves_nothing_behind_in_the_database_or_in_python(runner: Runner):
    refuse = "if experience.id == 'bad': raise ValueError('no')"
    running = await runner.start(listing(digest=refuse, retrieve=items("[*self.rows(), f'cached {len(self.cache)}']")))
    await running.remember("a")
    with pytest.raises(DesignFailed, match="ValueError: no"):
        await running.apply(*running.happened("b", "bad", "c"))
    assert await running.texts() == ["a", "cached 0"]
    running.next = 2
    assert await running.remember("b") == 2


async def test_a_worker_ended_in_the_middle_of_an_update_has_not_begun_it(runner: Runner):
    asks = FakeAsks()
    asks.gate.clear()
    running = await runner.start(listing(digest="await self.toolkit.complete('x')"), asks=asks)
    applying = asyncio.create_task(running.remember("a"))
    await asks.asked.wait()
    again = await runner.again(running)
    with pytest.raises(WorkerDied):
        await applying
    assert again.position == 0
    assert await again.texts() == []


async def test_retrieve_is_answered_from_what_is_committed_while_an_update_waits_for_a_model(runner: Runner):
    asks = FakeAsks()
    wait = "if experience.id == 'slow': await self.toolkit.complete('x')"
    running = await runner.start(listing(digest=wait), asks=asks)
    await running.remember("a")
    asks.gate.clear()
    asks.asked.clear()
    applying = asyncio.create_task(running.remember("slow"))
    await asks.asked.wait()
    assert await running.texts() == ["a"]
    asks.gate.set()
    await applying
    assert await running.texts() == ["a", "slow"]


async def test_retrieve_cannot_write(runner: Runner):
    running = await runner.start(listing(retrieve="self.db.execute('DELETE FROM seen')"))
    await running.remember("a")
    with pytest.raises(DesignFailed, match="readonly"):
        await running.texts()


@pytest.mark.parametrize(
    "attempt",
    [
        "self.db.commit()",
        "self.db.execute('COMMIT')",
        "self.db.executescript('CREATE TABLE IF NOT EXISTS more (x)')",
        "with self.db:\n    self.db.execute('INSERT INTO said VALUES (1)')",
        "self.db.cursor().executescript('SELECT 1')",
    ],
)
async def test_a_design_cannot_commit_half_an_update(runner: Runner, attempt: str):
    running = await runner.start(listing(digest=f"{attempt}\nif experience.id == 'b': raise ValueError('late')"))
    with pytest.raises(DesignFailed, match="late"):
        await running.remember("a", "b")
    assert await running.texts() == []


async def test_what_a_design_writes_in_a_with_block_that_fails_is_undone_alone(runner: Runner):
    body = """
try:
    with self.db:
        self.db.execute("INSERT INTO seen VALUES ('undone')")
        raise KeyError
except KeyError:
    pass
"""
    running = await runner.start(listing(digest=body))
    await running.remember("a")
    assert await running.texts() == ["a"]


async def test_what_a_design_raises_comes_with_the_line_it_was_raised_at(runner: Runner):
    running = await runner.start(listing(retrieve="return 1 / 0  # here"))
    with pytest.raises(DesignFailed, match="ZeroDivisionError") as caught:
        await running.texts()
    assert "return 1 / 0  # here" in caught.value.__notes__[0]


async def test_what_a_design_prints_is_not_taken_for_a_frame(runner: Runner):
    running = await runner.start(listing(digest='print(\'{"id": 2, "ok": 1}\', flush=True)'))
    await running.remember("a")
    assert await running.texts() == ["a"]


@pytest.mark.parametrize(
    "answer",
    [
        "'text'",
        "None",
        "Retrieval((MemoryItem('a', float('nan'), ('e',)),))",
        "Retrieval((MemoryItem('a', 'high', ('e',)),))",
        "Retrieval((MemoryItem(b'a', 1.0, ('e',)),))",
        "Retrieval((MemoryItem('a', 1.0, ()),))",
        "Retrieval((MemoryItem('a', 1.0, 'e'),))",
        "Retrieval((MemoryItem('a', 1.0, (7,)),))",
        "Retrieval(('a',))",
        "Retrieval(7)",
        "Retrieval((MemoryItem('a' * 17_000_000, 1.0, ('e',)),))",
    ],
)
async def test_an_answer_that_is_no_retrieval_breaks_the_contract(runner: Runner, answer: str):
    running = await runner.start(listing(retrieve=f"return {answer}"))
    with pytest.raises(ContractBroken):
        await running.texts()


async def test_lone_surrogates_and_control_characters_survive_as_text(runner: Runner):
    running = await runner.start(listing(retrieve=items("['a\\ud800b', 'nul \\x00', '\\u2028', 'ü']")))
    assert await running.texts("\ud800") == ["a?b", "nul \x00", "\u2028", "ü"]


async def test_deep_nesting_fails_the_call_and_not_the_worker(runner: Runner):
    nest = "deep = []\nfor _ in range(100_000): deep = [deep]\nreturn Retrieval((MemoryItem('a', 1.0, ('e',), deep),))"
    running = await runner.start(listing(retrieve=f"if query.text == 'ok': return Retrieval()\n{nest}"))
    with pytest.raises((DesignFailed, ContractBroken)):
        await running.texts()
    assert await running.texts("ok") == []


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("x = (", "SyntaxError"),
        ("import no_such_module", "ModuleNotFoundError"),
        ("x = 1", "defines 0"),
        (HEAD + "class A(Memory): pass\nclass B(Memory): pass", "defines 2"),
        (HEAD + "class A(Memory):\n    contract = 2", "contract 2"),
    ],
)
async def test_a_file_that_is_no_design_is_refused_with_the_reason(runner: Runner, source: str, reason: str):
    with pytest.raises(ContractBroken, match=reason):
        await runner.start(source)


async def test_without_an_embedder_a_design_goes_on_with_what_it_has(runner: Runner):
    body = "try:\n    await self.toolkit.embed([query.text])\nexcept Unavailable as reason:\n    " + items(
        "[str(reason)]"
    )
    running = await runner.start(listing(retrieve=body), asks=FakeAsks(embeds=False))
    assert await running.texts() == ["there is no embedder"]


async def test_a_model_call_is_known_by_log_position_and_number_however_events_are_batched(runner: Runner):
    digest = "for n in (1, 2): await self.toolkit.complete(f'{experience.id}{n}')"
    running = await runner.start(listing(digest=digest))
    await running.remember("a", "b")
    asked = [(each["prompt"], each["position"], each["call"]) for each in running.asks.prompts]
    assert asked == [("a1", 1, 0), ("a2", 1, 1), ("b1", 2, 0), ("b2", 2, 1)]


async def test_time_is_the_experiences_and_the_querys(runner: Runner):
    body = "self.db.execute('INSERT INTO said VALUES (?)', (str(self.toolkit.now),))"
    running = await runner.start(listing(digest=body, retrieve=items("[*self.rows(), str(self.toolkit.now)]")))
    await running.remember("a", "b")
    assert await running.texts() == ["a", "b", "1.0", "2.0", "7.0"]


async def test_randomness_is_the_same_on_every_replay(runner: Runner):
    body = "self.db.execute('INSERT INTO said VALUES (?)', (str(self.toolkit.random.random()),))"
    first = await runner.start(listing(digest=body), "first")
    second = await runner.start(listing(digest=body), "second")
    await first.remember("a", "b")
    await second.remember("a")
    await second.remember("b")
    assert await first.texts() == await second.texts()
    assert len(set(await first.texts())) == 4


async def test_a_set_is_in_the_same_order_in_every_worker(runner: Runner):
    source = listing(retrieve=items("list({'north', 'east', 'south', 'west', 'up', 'down', 'in', 'out'})"))
    first, second = await runner.start(source, "first"), await runner.start(source, "second")
    assert await first.texts() == await second.texts()


VECTORS = {
    "digest": """
index = self.toolkit.vectors("ideas")
if experience.id.startswith("-"):
    index.remove([int(experience.id[1:])])
else:
    index.add([int(experience.id)], await self.toolkit.embed([experience.task]))
self.nearest = index.search((await self.toolkit.embed([experience.task]))[0], 1)
if experience.outcome: raise ValueError("after the vector")
""",
    "retrieve": "vector = (await self.toolkit.embed([query.text]))[0]\n"
    + items("[f'{key} {score:.3f}' for key, score in self.toolkit.vectors('ideas').search(vector, 1)]"),
}


async def test_vectors_are_found_after_the_commit_and_after_a_restart(runner: Runner):
    running = await runner.start(listing(**VECTORS))
    assert await running.texts("task 1") == []
    await running.remember("1", "2", "3")
    assert await running.texts("task 2") == ["2 1.000"]
    again = await runner.again(running)
    assert await again.texts("task 3") == ["3 1.000"]
    await again.remember("-3")
    assert await again.texts("task 3") != ["3 1.000"]


async def test_a_vector_of_an_update_that_failed_is_not_found(runner: Runner):
    running = await runner.start(listing(**VECTORS))
    await running.remember("1")
    failing = running.happened("2")
    failing[0]["body"]["outcome"] = "fails"
    with pytest.raises(DesignFailed, match="after the vector"):
        await running.apply(*failing)
    assert await running.texts("task 2") != ["2 1.000"]


async def test_consolidation_is_a_transaction_too(runner: Runner):
    sleep = "self.db.execute(\"UPDATE seen SET id = id || '!'\")\nif len(self.rows()) > 1: raise ValueError('no')"
    running = await runner.start(listing(consolidate=sleep))
    await running.remember("a")
    await running.call("consolidate", {})
    assert await running.texts() == ["a!"]
    await running.remember("b")
    with pytest.raises(DesignFailed):
        await running.call("consolidate", {})
    assert await running.texts() == ["a!", "b"]


IN_PYTHON = (
    HEAD
    + """
class Held(Memory):
    state_in_python = True

    def __init__(self, toolkit):
        super().__init__(toolkit)
        self.held = []

    async def update(self, experience):
        self.held.append(experience.id)
        if experience.id == "bad":
            raise ValueError("no")

    async def retrieve(self, query):
        return Retrieval(tuple(MemoryItem(each, 1.0, (each,)) for each in self.held))
"""
)


async def test_a_design_with_its_state_in_python_starts_at_the_beginning_of_the_log(runner: Runner):
    running = await runner.start(IN_PYTHON)
    await running.remember("a")
    again = await runner.again(running)
    assert again.position == 0
    assert await again.texts() == []


async def test_a_design_with_its_state_in_python_is_ended_when_an_update_leaves_it_half_done(runner: Runner):
    running = await runner.start(IN_PYTHON)
    with pytest.raises(DesignFailed):
        await running.remember("a", "bad")
    with pytest.raises(WorkerDied):
        await running.texts()
    assert not running.worker.alive


async def test_of_a_design_with_its_state_in_python_only_what_it_cannot_digest_is_set_aside(runner: Runner, tmp_path):
    log = await ExperienceLog.open(tmp_path / "experiences.db")
    for number in range(1, 7):
        experience = Experience("bad" if number == 4 else str(number))
        await log.append("s", "experience", experience.to_json(), float(number))
    projection = Projection(Design(IN_PYTHON, "in python"), "s", log, runner.host, FakeAsks(), tmp_path / "state")
    await projection.follow()
    answer = await projection.retrieve(Query("anything"))
    await projection.close()
    await log.close()
    assert projection.quarantined == [4]
    assert [item.text for item in answer.items] == ["1", "2", "3", "5", "6"]


async def test_a_design_that_takes_too_long_is_ended(runner: Runner):
    running = await runner.start(listing(retrieve="await asyncio.sleep(60)"))
    with pytest.raises(DeadlineExceeded, match=r"0\.3 seconds"):
        await running.texts(deadline=0.3)
    assert not running.worker.alive
    with pytest.raises(DeadlineExceeded):
        await running.texts()


async def test_an_answer_that_comes_after_its_caller_has_gone_is_ignored(runner: Runner):
    asks = FakeAsks()
    wait = "if query.text == 'slow': await self.toolkit.complete('x')\n" + items("[query.text]")
    running = await runner.start(listing(retrieve=wait), asks=asks)
    asks.gate.clear()
    slow = asyncio.create_task(running.texts("slow"))
    await asks.asked.wait()
    slow.cancel()
    await asyncio.gather(slow, return_exceptions=True)
    asks.gate.set()
    assert await running.texts("quick") == ["quick"]


async def test_calls_overlap(runner: Runner):
    running = await runner.start(listing(retrieve="await asyncio.sleep(0)\n" + items("[query.text]")))
    answers = await asyncio.gather(*(running.texts(str(number)) for number in range(50)))
    assert answers == [[str(number)] for number in range(50)]
