import asyncio

import pytest
from fakes import LOUD, WORDS

from alma_mcp.access import Principal
from alma_mcp.contract import Query
from alma_mcp.errors import BadRequest, ContractBroken, DesignFailed, HomeUnusable, NoSandbox
from alma_mcp.service import Draft


async def texts(world, words, who=None, tokens=1000):
    answer = await world.service.retrieve(who or world.who, Query(words), tokens)
    return [item.text for item in answer.items]


async def test_a_session_reads_its_own_write_at_once(world):
    for number in range(20):
        await world.service.update(world.who, Draft(f"fact {number}"))
        assert f"fact {number}" in await texts(world, str(number))


async def test_a_repeated_request_stores_once_and_gives_the_same_id(world):
    first, new = await world.service.update(world.who, Draft("a fact"), key="s:1")
    again, repeated = await world.service.update(world.who, Draft("a fact"), key="s:1")
    assert (first, new, repeated) == (again, True, False)
    assert len(await texts(world, "fact")) == 1


async def test_a_repeated_request_whose_memory_was_forgotten_since_stores_nothing(world):
    first, _ = await world.service.update(world.who, Draft("a fact"), key="s:1")
    await world.service.update(world.who, Draft("something else"))
    await world.service.forget(world.who, [first])
    _, new = await world.service.update(world.who, Draft("a fact"), key="s:1")
    assert not new
    assert await texts(world, "fact") == []


async def test_an_item_that_rests_on_something_foreign_never_comes_back(world):
    other = Principal("session-2", "project:/b")
    foreign, _ = await world.service.update(other, Draft("their fact"))
    await world.service.update(world.who, Draft("our fact"))
    world.host.answer = {
        "items": [{"text": "smuggled", "score": 1.0, "experiences": [foreign], "reasons": []}],
        "note": "",
    }
    assert await texts(world, "fact") == []


async def test_an_item_that_rests_on_something_forgotten_never_comes_back(world):
    memory_id, _ = await world.service.update(world.who, Draft("old fact"))
    await texts(world, "fact")
    world.host.gate.clear()
    await world.service.forget(world.who, [memory_id])
    world.host.answer = {
        "items": [{"text": "old fact", "score": 1.0, "experiences": [memory_id], "reasons": []}],
        "note": "",
    }
    assert await texts(world, "fact") == []
    world.host.gate.set()


async def test_a_dead_worker_is_restarted_at_the_next_call(world):
    await world.service.update(world.who, Draft("a fact"))
    await texts(world, "fact")
    world.host.workers[-1].alive = False
    assert await texts(world, "fact") == ["a fact"]


async def test_a_failing_design_gives_word_matches_and_says_so(world):
    await world.service.update(world.who, Draft("a fact about tea"))
    world.host.refuses = lambda design: DesignFailed("it is broken")
    await world.serving.live.of("project:/a").close()
    answer = await world.service.retrieve(world.who, Query("tea"), 1000)
    assert "a fact about tea" in answer.items[0].text
    assert "not answering (it is broken)" in answer.notes[0]


async def test_a_machine_without_a_sandbox_still_answers(world):
    world.host.refuses = lambda design: NoSandbox("No sandbox here.")
    await world.service.update(world.who, Draft("tea at four"))
    answer = await world.service.retrieve(world.who, Query("tea"), 1000)
    assert "tea at four" in answer.items[0].text
    assert "No sandbox here." in answer.notes[0]


async def test_an_answer_that_is_no_retrieval_is_the_designs_fault(world):
    await world.service.update(world.who, Draft("tea at four"))
    await texts(world, "tea")
    world.host.answer = {"items": "all of them"}
    with pytest.raises(ContractBroken):
        await world.serving.live.of("project:/a").retrieve(Query("tea"))
    answer = await world.service.retrieve(world.who, Query("tea"), 1000)
    assert "tea at four" in answer.items[0].text


async def test_an_indigestible_experience_is_set_aside_and_the_rest_goes_on(world):
    for number in range(5):
        await world.log.append("project:/a", "experience", body(number), 1.0)
    world.host.indigestible.add(3)
    assert len(await texts(world, "fact")) == 4
    assert world.serving.live.quarantined == 1


async def test_an_experience_that_kills_its_worker_is_set_aside_too(world):
    for number in range(5):
        await world.log.append("project:/a", "experience", body(number), 1.0)
    world.host.poisonous.add(2)
    projection = world.serving.live.of("project:/a")
    await projection.follow()
    assert projection.quarantined == [2]
    assert len(await texts(world, "fact")) == 4


async def test_what_was_set_aside_stays_aside_after_a_restart(world):
    for number in range(3):
        await world.log.append("project:/a", "experience", body(number), 1.0)
    world.host.indigestible.add(3)
    projection = world.serving.live.of("project:/a")
    await projection.follow()
    await world.serving.live.close()
    again = world.serving.live.of("project:/a")
    assert again.quarantined == [3]
    await again.follow()
    assert [position for _, position in world.host.applied] == [1, 2]


async def test_a_swap_builds_first_and_then_moves_one_pointer(world):
    await world.service.update(world.who, Draft("a fact"))
    assert await texts(world, "fact") == ["a fact"]
    world.champion = LOUD
    world.host.gate.clear()
    swapping = asyncio.create_task(world.serving.reconcile())
    while world.serving.swap is None:
        await asyncio.sleep(0)
    assert await texts(world, "fact") == ["a fact"]
    world.host.gate.set()
    await swapping
    assert await texts(world, "fact") == ["A FACT"]


async def test_a_rollback_needs_no_building_and_keeps_what_was_learnt_since(world):
    await world.service.update(world.who, Draft("first fact"))
    await texts(world, "fact")
    world.champion = LOUD
    await world.serving.reconcile()
    await world.service.update(world.who, Draft("second fact"))
    await texts(world, "fact")
    opened = len(world.host.opened)
    world.champion = WORDS
    await world.serving.reconcile()
    assert await texts(world, "fact") == ["first fact", "second fact"]
    assert len(world.host.opened) == opened


async def test_a_champion_that_cannot_be_built_leaves_the_old_one_in_place(world):
    await world.service.update(world.who, Draft("a fact"))
    world.champion = LOUD
    world.host.refuses = lambda design: DesignFailed("SyntaxError") if design == LOUD else None
    await world.serving.reconcile()
    assert world.serving.live.design == WORDS
    assert "SyntaxError" in world.serving.swap.refused
    assert await texts(world, "fact") == ["a fact"]


async def test_answers_during_a_swap_under_load_never_fail(world):
    await world.service.update(world.who, Draft("a fact"))
    stop = asyncio.Event()

    async def ask() -> list[list[str]]:
        answers = []
        while not stop.is_set():
            answers.append(await texts(world, "fact"))
        return answers

    asking = [asyncio.create_task(ask()) for _ in range(8)]
    for champion in (LOUD, WORDS, LOUD, WORDS):
        world.champion = champion
        await world.serving.reconcile()
    stop.set()
    answers = [answer for each in await asyncio.gather(*asking) for answer in each]
    assert {tuple(answer) for answer in answers} <= {("a fact",), ("A FACT",)}


async def test_workers_are_bounded_and_the_longest_idle_end_first(world):
    for name in "abcdef":
        who = Principal("s", f"project:/{name}")
        await world.service.update(who, Draft("a fact"))
        await texts(world, "fact", who)
    await world.serving.tend(idle_seconds=1e9)
    assert world.host.running == 3
    assert len(await texts(world, "fact")) == 1


async def test_an_answer_stays_within_its_token_budget(world):
    for number in range(10):
        await world.service.update(world.who, Draft(f"fact {number} " + "x" * 390))
    answer = await texts(world, "fact", tokens=300)
    assert 1 <= len(answer) <= 3
    assert sum(map(len, answer)) <= 300 * 4 + 2


@pytest.mark.parametrize(
    ("draft", "sentence"),
    [
        (Draft(""), "`text` is empty"),
        (Draft("x" * 200_001), "at most 200,000"),
        (Draft("x", task="y" * 200_001), "`task`"),
    ],
)
async def test_a_bad_draft_is_refused_and_nothing_is_stored(world, draft, sentence):
    with pytest.raises(BadRequest, match=sentence):
        await world.service.update(world.who, draft)
    assert world.log.counts() == {}


async def test_when_the_disk_is_full_forgetting_still_works(world, tmp_path):
    memory_id, _ = await world.service.update(world.who, Draft("a fact"))
    ballast = tmp_path / "ballast"
    ballast.write_bytes(b"x")
    append = world.log.append

    async def full_until_the_ballast_is_gone(*arguments):
        if ballast.exists():
            raise HomeUnusable("The disk is full.")
        return await append(*arguments)

    world.log.append = full_until_the_ballast_is_gone
    assert await world.service.forget(world.who, [memory_id]) == 1


def body(number: int) -> dict:
    return {"id": f"m{number}", "steps": [{"actor": "user", "text": f"fact {number}"}], "time": 1.0}


async def test_a_design_whose_state_is_lost_with_its_worker_is_replayed_from_the_beginning(world):
    for number in range(20):
        await world.log.append("project:/a", "experience", body(number), 1.0)
    world.host.forgetful = True
    world.host.poisonous.add(13)
    projection = world.serving.live.of("project:/a")
    await projection.follow()
    assert projection.quarantined == [13]
    assert len((await projection.retrieve(Query("fact", limit=50))).items) == 19


async def test_a_design_is_told_when_it_is_asked(world):
    await world.service.update(world.who, Draft("tea at four"))
    await world.service.retrieve(world.who, Query("tea"), 1000)
    assert [query["time"] for query in world.host.asked] == [1000.0]


async def test_an_experience_is_not_blamed_for_a_worker_that_somebody_else_ended(world):
    await world.log.append("project:/a", "experience", body(1), 1.0)
    world.host.poisonous.add(1)

    def ends_once(_design) -> None:
        if world.host.workers:
            world.host.poisonous.clear()

    world.host.refuses = ends_once
    projection = world.serving.live.of("project:/a")
    await projection.follow()
    assert projection.quarantined == []
    assert ("words", 1) in world.host.applied
