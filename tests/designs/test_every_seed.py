"""What every bundled design keeps."""

import pytest

from alma_mcp.contract import Experience, Query, Step
from alma_mcp.design_store import bundled_designs

BASELINES = ("grep", "reasoning_bank", "dynamic_cheatsheet", "g_memory")
SEEDS = ("no_memory", "trajectory_retrieval", "lexical", "hybrid", *BASELINES)
REMEMBERING = SEEDS[1:]
OF_THREE = {"no_memory": 0, "reasoning_bank": 1}
FACTS = {
    "deploy": "the staging deployment runs from the harbour branch",
    "tests": "integration tests need a local postgres on port 5433",
    "style": "commit subjects are written in the imperative",
    "cache": "clear the thumbnail cache after changing resizeImage",
}
STRANGE = (
    "",
    " ",
    "x",
    "?",
    "🦆",
    'AND OR NOT NEAR("harbour" branch) ^a* {words}: -"',
    "a'; DROP TABLE experiences; --",
    "\x00\ud800",
    "harbour " * 25_000,
    "y" * 200_000,
    " ".join(f"word{number}" for number in range(20_000)),
)


def fact(name, text, **more):
    return Experience(name, task=text, steps=(Step("user", text),), **more)


def facts():
    return [fact(name, text, time=float(number)) for number, (name, text) in enumerate(FACTS.items())]


def test_the_bundled_designs_are_the_seeds_and_the_baselines():
    assert sorted(bundled_designs()) == sorted(SEEDS)


@pytest.mark.parametrize("name", SEEDS)
async def test_an_empty_memory_answers_with_nothing(remembering, name):
    assert (await remembering(name).ask("harbour branch")).items == ()


@pytest.mark.parametrize("name", REMEMBERING)
@pytest.mark.parametrize("embedder_up", [True, False])
async def test_what_was_stored_is_found_again_at_the_first_place(remembering, name, embedder_up):
    memory = remembering(name)
    memory.embedder.up = embedder_up
    await memory.add(*facts())
    for each, text in FACTS.items():
        assert (await memory.found(text))[0] == each
    assert (await memory.found("which port has postgres"))[0] == "tests"


@pytest.mark.parametrize("name", SEEDS)
@pytest.mark.parametrize("query", STRANGE, ids=lambda query: f"{query[:12]!a}-{len(query)}")
async def test_no_query_is_too_strange(remembering, name, query):
    memory = remembering(name)
    await memory.ask(query)
    await memory.add(*facts())
    assert len((await memory.ask(query)).items) <= len(FACTS)


@pytest.mark.parametrize("name", SEEDS)
async def test_no_experience_is_too_strange(remembering, name):
    memory = remembering(name)
    await memory.add(*(fact(str(number), text.replace("\ud800", "")) for number, text in enumerate(STRANGE)))
    await memory.add(Experience("bare"))
    assert memory.projections[0].quarantined == []
    assert len((await memory.ask("harbour")).items) <= len(STRANGE) + 1


@pytest.mark.parametrize("name", REMEMBERING)
async def test_what_was_forgotten_never_comes_back(remembering, name):
    memory = remembering(name)
    await memory.add(*facts())
    await memory.tell("forgetting", {"experiences": ["tests", "never there"]})
    assert "tests" not in await memory.found(FACTS["tests"])
    assert (await memory.found(FACTS["deploy"]))[0] == "deploy"


@pytest.mark.parametrize("name", REMEMBERING)
async def test_thousands_can_be_forgotten_at_once(remembering, name):
    memory = remembering(name)
    await memory.add(*facts())
    many = [f"never there {number}" for number in range(40_000)]
    await memory.tell("forgetting", {"experiences": [*many, "style"]})
    assert "style" not in await memory.found(FACTS["style"])


@pytest.mark.parametrize("name", SEEDS)
@pytest.mark.parametrize("batch", [1, 3])
async def test_a_replay_gives_exactly_the_same_answers(remembering, name, batch):
    memory = remembering(name)
    for each in facts():
        await memory.add(each)
    await memory.tell("feedback", {"experiences": ["style"], "signal": "helpful"})
    await memory.tell("forgetting", {"experiences": ["cache"]})
    replayed = memory.projection(batch)
    await replayed.follow()
    for text in (*FACTS.values(), "branch port tests commit", "nothing of this"):
        assert await replayed.retrieve(Query(text)) == await memory.ask(text)


@pytest.mark.parametrize("name", SEEDS)
async def test_no_more_items_come_back_than_were_asked_for(remembering, name):
    memory = remembering(name)
    await memory.add(*(fact(str(number), f"harbour fact {number}") for number in range(30)))
    assert len((await memory.ask("harbour fact", limit=3)).items) == OF_THREE.get(name, 3)


@pytest.mark.parametrize("name", SEEDS)
async def test_a_memory_survives_the_end_of_its_worker(remembering, name):
    memory = remembering(name)
    await memory.add(*facts())
    before = await memory.ask("postgres port")
    await memory.projections[0].close()
    assert await memory.ask("postgres port") == before


@pytest.mark.parametrize("name", SEEDS)
async def test_consolidating_loses_nothing(remembering, name):
    memory = remembering(name)
    await memory.add(*facts())
    before = await memory.ask("postgres port")
    await memory.projections[0].consolidate()
    assert await memory.ask("postgres port") == before
