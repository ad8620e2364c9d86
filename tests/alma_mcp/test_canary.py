import asyncio
import random

import pytest
from fakes import LOUD, WORDS, FakeHost
from swapping import WHO, stage

from alma_mcp.contract import Query
from alma_mcp.errors import ChainBroken
from alma_mcp.service import Draft
from alma_mcp.serving.canary import Extent

EVERY = Extent(share=1.0, questions=50)
OLD, NEW = [0.0, 0.9], [0.0, 0.1]
"""Two coins: the question goes to both, and whose answer is shown."""


@pytest.fixture
async def made(tmp_path):
    async with stage(tmp_path, EVERY) as made:
        await swapped(made)
        yield made


async def swapped(made, facts=1):
    ids = [await made.learn(f"fact {number}") for number in range(facts)]
    await made.texts()
    await made.swap_to(LOUD)
    return ids


async def asked(made, coins, words="fact"):
    made.coins.fall = list(coins)
    answer = await made.service.retrieve(WHO, Query(words), 2000)
    await made.settles()
    return [item.text for item in answer.items], [item.id for item in answer.items]


async def test_a_fair_coin_says_whose_answer_is_shown_and_both_are_asked(made):
    made.host.asked.clear()
    assert (await asked(made, NEW))[0] == ["FACT 0"]
    assert (await asked(made, OLD))[0] == ["fact 0"]
    assert len(made.host.asked) == 4
    assert len(made.canary.trial.questions) == 2


async def test_an_answer_is_one_designs_in_every_scope(made):
    await made.service.update(WHO, Draft("fact of the user", place="user"))
    assert (await asked(made, NEW))[0] == ["FACT 0", "FACT OF THE USER"]
    made.host.mute.add("loud")
    assert (await asked(made, NEW))[0] == ["fact 0", "fact of the user"]


async def test_a_share_of_the_questions_is_put_to_both(tmp_path):
    async with stage(tmp_path, Extent(0.25, 1000)) as made:
        await swapped(made)
        made.coins.random = random.Random(1).random
        for _ in range(200):
            await made.texts()
        assert 35 <= len(made.canary.trial.questions) <= 65
        shown = [each.side for each in made.canary.trial.questions]
        assert 0.3 <= shown.count("new") / len(shown) <= 0.7


async def test_the_answer_does_not_wait_for_the_other_design(made):
    made.host.slow.add("loud")
    made.coins.fall = list(OLD)
    assert await made.texts() == ["fact 0"]
    made.host.patience.set()
    await made.settles()


async def test_a_design_that_fails_where_the_other_does_not_is_rolled_back_and_no_answer_fails(made):
    made.host.mute.add("loud")
    for number in range(6):
        assert made.reasons == [], number
        assert (await asked(made, NEW if number % 2 else OLD))[0] == ["fact 0"]
    assert made.serving.live.design == WORDS
    assert "found it worse" in made.reasons[0]
    assert "6 of 6 signals against it after 6 questions" in made.reasons[0]
    assert (await asked(made, NEW))[0] == ["fact 0"]
    assert len(made.canary.trial.questions) == 6


async def test_where_both_fail_nothing_speaks_for_either_and_word_matches_come_back(made):
    made.host.mute.update({"loud", "words"})
    assert (await asked(made, NEW))[0] == ["assistant: fact 0"]
    assert (made.canary.trial.against, made.canary.trial.in_favour) == (0, 0)
    await made.service.feedback(WHO, (await asked(made, NEW))[1], "harmful")
    assert (made.canary.trial.against, made.canary.trial.in_favour) == (0, 0)


@pytest.mark.parametrize(
    ("coins", "signal", "against"),
    [(NEW, "harmful", True), (NEW, "helpful", False), (OLD, "helpful", True), (OLD, "harmful", False)],
)
async def test_feedback_speaks_for_or_against_the_design_that_was_shown(made, coins, signal, against):
    _, ids = await asked(made, coins)
    await made.service.feedback(WHO, ids, signal)
    assert (made.canary.trial.against, made.canary.trial.in_favour) == ((1, 0) if against else (0, 1))


async def test_harm_that_people_report_rolls_a_design_back(made):
    for number in range(6):
        _, ids = await asked(made, NEW if number % 2 else OLD)
        await made.service.feedback(WHO, ids, "harmful" if number % 2 else "helpful")
    await made.settles()
    assert made.serving.live.design == WORDS
    assert len(made.reasons) == 1


async def test_a_question_gives_one_signal_at_most(made):
    ids = [await made.learn("fact 1"), await made.learn("fact 2")]
    await asked(made, NEW)
    for each in [*ids, *ids]:
        await made.service.feedback(WHO, [each], "harmful")
    assert (made.canary.trial.against, made.canary.trial.in_favour) == (1, 0)


async def test_feedback_is_about_the_newest_question_that_showed_the_memory(made):
    await asked(made, OLD)
    _, ids = await asked(made, NEW)
    await asked(made, OLD, words="nothing of the kind")
    await made.service.feedback(WHO, ids, "harmful")
    assert [each.signalled for each in made.canary.trial.questions] == [False, True, False]
    assert made.canary.trial.against == 1


async def test_feedback_on_what_no_such_question_showed_says_nothing(made):
    other = await made.learn("apart")
    await asked(made, NEW)
    await made.service.feedback(WHO, [other], "harmful")
    assert made.canary.trial.against == 0


async def test_it_ends_after_so_many_questions_and_the_design_stays(tmp_path):
    async with stage(tmp_path, Extent(1.0, 3)) as made:
        (fact,) = await swapped(made)
        for _ in range(3):
            assert made.canary.running
            await asked(made, NEW)
        assert not made.canary.running
        for _ in range(6):
            made.host.asked.clear()
            await asked(made, [])
            await made.service.feedback(WHO, [fact], "harmful")
            assert len(made.host.asked) == 1
        assert made.serving.live.design == LOUD
        assert "loud stays after 3 questions to both designs" in made.canary.told()


async def test_it_says_how_it_stands(made):
    _, ids = await asked(made, NEW)
    await made.service.feedback(WHO, ids, "harmful")
    told = made.canary.told()
    assert (
        told
        == "Canary: loud, 1 of 50 questions to both designs, 1 of 1 signals against it (e-value 1.6; 20 rolls it back)."
    )


@pytest.mark.parametrize("extent", [Extent(0.0, 200), Extent(0.2, 0)])
async def test_it_can_be_switched_off(tmp_path, extent):
    async with stage(tmp_path, extent) as made:
        await swapped(made)
        await asked(made, NEW)
        assert made.canary.trial is None
        assert made.canary.told() == ""


async def test_it_goes_on_after_the_engine_was_started_anew(tmp_path):
    host = FakeHost()
    async with stage(tmp_path, EVERY, host) as made:
        await swapped(made)
        for _ in range(5):
            _, ids = await asked(made, NEW)
            await made.service.feedback(WHO, ids, "harmful")
        _, ids = await asked(made, NEW)
    async with stage(tmp_path, EVERY, host, champions=[LOUD, WORDS]) as made:
        assert made.canary.running
        await made.service.feedback(WHO, ids, "harmful")
        await made.settles()
        assert made.serving.live.design == WORDS
        assert "6 of 6 signals" in made.reasons[0]


async def test_what_cannot_be_rolled_back_is_told_and_tried_again_at_the_next_start(tmp_path):
    host = FakeHost()
    async with stage(tmp_path, EVERY, host) as made:
        await swapped(made)

        async def damaged(request, reason):
            raise ChainBroken("The ledger is damaged.")

        made.canary._roll_back = damaged
        made.host.mute.add("loud")
        for _ in range(6):
            await asked(made, NEW)
        assert made.canary.problem == "The canary cannot roll loud back: The ledger is damaged."
        assert made.serving.live.design == LOUD
    async with stage(tmp_path, EVERY, host, champions=[LOUD, WORDS]) as made:
        await made.serving.reconcile()
        await made.settles()
        assert made.serving.live.design == WORDS
        assert len(made.reasons) == 1


async def test_a_rollback_by_a_person_ends_it(made):
    await asked(made, NEW)
    made.back()
    await made.settles()
    made.host.asked.clear()
    await asked(made, NEW)
    assert len(made.host.asked) == 1
    assert not made.canary.running
    assert made.canary.told() == ""


async def test_a_file_that_cannot_be_read_begins_no_trial_and_fails_nothing(tmp_path):
    (tmp_path / "canary.json").write_text("{half")
    async with stage(tmp_path, EVERY) as made:
        assert made.canary.trial is None
        await swapped(made)
        assert made.canary.running


async def test_a_client_that_goes_away_leaves_the_comparison_to_finish(made):
    made.host.slow.add("loud")
    made.coins.fall = list(NEW)
    asking = asyncio.create_task(made.texts())
    while len(made.canary.trial.questions) < 1 or not made.canary._comparing:
        await asyncio.sleep(0)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    made.host.patience.set()
    await made.settles()
    assert (await asked(made, NEW))[0] == ["FACT 0"]
