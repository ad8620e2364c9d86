import asyncio

import pytest
from fakes import LOUD, WORDS, FakeHost
from swapping import WHO, stage

from alma_mcp.access import Principal
from alma_mcp.design_store import Design
from alma_mcp.errors import DesignFailed
from alma_mcp.service import Draft

THIRD = Design("THIRD = 'as words'", "third")


@pytest.fixture
async def made(tmp_path):
    async with stage(tmp_path) as made:
        yield made


async def under_way(made):
    """The challenger is being built, and its worker hangs."""
    while not (made.serving.swap and "loud" in made.host.opened):
        await asyncio.sleep(0)


async def test_a_design_that_does_not_answer_does_not_get_the_pointer(made):
    await made.learn("a fact")
    await made.texts()
    made.host.mute.add("loud")
    await made.swap_to(LOUD)
    assert made.serving.live.design == WORDS
    assert "it has nothing to say" in made.serving.swap.refused
    assert made.took_over == []
    assert await made.texts() == ["a fact"]


async def test_every_scope_that_has_memories_is_asked_before_the_pointer_moves(made):
    for name in "abcde":
        await made.learn(f"fact {name}", Principal("s", f"project:/{name}"))
    made.host.asked.clear()
    await made.swap_to(LOUD)
    assert made.serving.live.design == LOUD
    assert {each["text"][-1] for each in made.host.asked} == set("abcde")


async def test_it_is_written_once_that_a_design_took_over(made):
    await made.learn("a fact")
    await made.swap_to(LOUD)
    made.serving.ledger_changed()
    await made.serving.reconcile()
    assert made.took_over == ["loud"]


async def test_a_design_that_was_approved_but_had_not_taken_over_is_built_while_the_one_before_serves(tmp_path):
    async with stage(tmp_path, champions=[LOUD, WORDS], approved=[LOUD]) as made:
        assert made.serving.live.design == WORDS
        await made.learn("a fact")
        assert await made.texts() == ["a fact"]
        await made.serving.reconcile()
        assert await made.texts() == ["A FACT"]
        assert made.took_over == ["loud"]


async def test_a_rollback_does_not_wait_for_a_build_that_is_under_way(made):
    await made.learn("a fact")
    await made.swap_to(LOUD)
    made.host.hangs.add("third")
    made.approve(THIRD)
    while "third" not in made.host.opened:
        await asyncio.sleep(0)
    made.champions.pop(0)
    made.approved.clear()
    made.back()
    assert made.serving.live.design == WORDS
    await made.settles()
    assert made.serving.live.design == WORDS
    assert made.serving.swap is None
    assert made.host.running == 2, "the worker of what was being built is ended"


async def test_a_build_that_is_taken_back_is_broken_off(made):
    await made.learn("a fact")
    await made.texts()
    made.host.hangs.add("loud")
    made.approve(LOUD)
    await under_way(made)
    made.back()
    await made.settles()
    assert made.serving.live.design == WORDS
    assert made.took_over == []
    assert await made.texts() == ["a fact"]


async def test_another_approval_takes_the_place_of_the_one_that_is_being_built(made):
    await made.learn("a fact")
    made.host.hangs.add("loud")
    made.approve(LOUD)
    await under_way(made)
    await made.swap_to(THIRD)
    assert made.serving.live.design == THIRD
    assert made.took_over == ["third"]


async def test_what_is_learnt_after_a_swap_is_there_at_once_after_a_rollback_and_the_other_way(made):
    first = await made.learn("first fact")
    await made.texts()
    await made.swap_to(LOUD)
    other = Principal("s", "project:/new")
    await made.learn("second fact")
    await made.learn("elsewhere a fact", other)
    await made.service.forget(WHO, [first])
    assert await made.texts() == ["SECOND FACT"]
    made.back()
    assert await made.texts() == ["second fact"]
    assert await made.texts(who=other) == ["elsewhere a fact"]
    await made.learn("third fact")
    await made.swap_to(LOUD)
    assert await made.texts() == ["SECOND FACT", "THIRD FACT"]


async def test_the_design_before_has_taken_in_what_was_learnt_before_anybody_goes_back(made):
    await made.learn("first fact")
    await made.texts()
    await made.swap_to(LOUD)
    new = Principal("s", "project:/new")
    await made.learn("second fact", new)
    previous = made.serving.previous
    await made.serving.follow("project:/new", previous)
    assert previous.of("project:/new").position == made.log.head("project:/new")


async def test_one_can_go_back_at_once_after_the_engine_was_started_anew(tmp_path):
    host = FakeHost()
    async with stage(tmp_path, host=host) as made:
        await made.learn("first fact")
        await made.texts()
        await made.swap_to(LOUD)
        await made.learn("second fact")
    async with stage(tmp_path, host=host, champions=[LOUD, WORDS]) as made:
        assert await made.texts() == ["FIRST FACT", "SECOND FACT"]
        await made.learn("third fact")
        made.back()
        assert made.serving.live.design == WORDS
        assert await made.texts() == ["first fact", "second fact", "third fact"]


async def test_a_design_that_was_rolled_back_is_asked_again_before_it_serves_again(made):
    await made.learn("a fact")
    await made.swap_to(LOUD)
    made.back()
    await made.settles()
    made.host.mute.add("loud")
    await made.swap_to(LOUD)
    assert made.serving.live.design == WORDS
    assert made.serving.swap.refused
    assert made.serving.previous.design == LOUD


async def test_a_refusal_is_told_until_it_is_taken_back(made):
    await made.learn("a fact")
    made.host.refuses = lambda design: DesignFailed("SyntaxError") if design == LOUD else None
    await made.swap_to(LOUD)
    assert "SyntaxError" in made.serving.swap.refused
    made.back()
    await made.settles()
    assert made.serving.swap is None


async def test_a_swap_tells_how_far_it_is_and_what_time_is_left(made):
    for number in range(40):
        await made.learn(f"fact {number}")
    told = []
    take_in = made.host.applied

    class Watched(list):
        def append(self, item):
            super().append(item)
            if made.serving.swap:
                told.append((made.serving.swap.done, made.serving.swap.total, made.serving.swap.seconds_left))

    made.host.applied = Watched(take_in)
    await made.swap_to(LOUD)
    assert {total for _, total, _ in told} == {0, 40}
    assert max(done for done, _, _ in told) >= 24
    assert max(left for _, _, left in told) > 0


async def test_no_answer_mixes_two_designs(made):
    """A session reads two scopes; the answer is one design's in both, whichever serves."""
    await made.learn("project fact")
    await made.service.update(WHO, Draft("user fact", place="user"))
    stop = asyncio.Event()

    async def ask():
        answers = []
        while not stop.is_set():
            answers.append(tuple(await made.texts()))
        return answers

    asking = [asyncio.create_task(ask()) for _ in range(4)]
    for _ in range(4):
        await made.swap_to(LOUD)
        made.back()
        await made.settles()
    stop.set()
    answers = {answer for each in await asyncio.gather(*asking) for answer in each}
    assert answers <= {("project fact", "user fact"), ("PROJECT FACT", "USER FACT")}
