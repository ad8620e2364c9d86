"""Environments that die, hang or talk nonsense are nobody's score: they are noticed, ended and replaced."""

import asyncio

import pytest
from made_environment import made_environments

from alma_mcp.errors import EvolveError
from evolve.environments.pool import Pool
from evolve.errors import EnvironmentLost


@pytest.fixture
async def made(tmp_path):
    async with made_environments(tmp_path, 1) as starter:
        yield starter


async def test_an_episode_is_played_line_by_line(made):
    environment = await made.start()
    first = await environment.reset("babaisai", "doors", 1)
    wrong = await environment.step("left")
    right = await environment.step("right")
    assert (first.goal, first.actions, first.done) == ("Get out.", ("left", "right"), False)
    assert (wrong.observation, wrong.score) == ("It is locked.", 0.0)
    assert (right.won, right.done, right.score) == (True, True, 1.0)
    assert environment.sources == {"babaisai": "made for a test", "textworld": "made for a test"}
    await environment.close()


@pytest.mark.parametrize("action", ["crash", "hang", "raise", "lie", "garble"])
async def test_a_step_that_fails_loses_the_environment_and_ends_it(made, action):
    environment = await made.start()
    await environment.reset("babaisai", "doors", 0)
    with pytest.raises(EnvironmentLost):
        await environment.step(action)
    with pytest.raises(EnvironmentLost):
        await environment.step("left")
    assert not environment.alive
    assert made.processes[0].returncode is not None


async def test_an_unknown_game_is_the_callers_mistake_and_harms_nothing(made):
    environment = await made.start()
    with pytest.raises(EvolveError, match="there is: doors"):
        await environment.reset("babaisai", "unknown", 0)
    assert (await environment.reset("babaisai", "doors", 0)).goal == "Get out."
    await environment.close()


async def test_a_step_before_a_reset_is_said_to_be_one(made):
    environment = await made.start()
    with pytest.raises(EvolveError, match="reset first"):
        await environment.step("left")
    await environment.close()


async def test_a_warm_environment_is_lent_again_and_ended_after_its_plays(made):
    pool = Pool(made.start, 1, plays=2)
    await pool.warm()
    lent = []
    for _ in range(3):
        async with pool.lend() as environment:
            lent.append(environment)
    assert lent[0] is lent[1] is not lent[2]
    assert made.processes[0].returncode is not None
    await pool.close()
    assert all(process.returncode is not None for process in made.processes)


async def test_a_killed_environment_is_not_lent_again(made):
    pool = Pool(made.start, 1)
    await pool.warm()
    async with pool.lend() as environment:
        made.kill(0)
        with pytest.raises(EnvironmentLost):
            await environment.reset("babaisai", "doors", 0)
    async with pool.lend() as environment:
        assert (await environment.reset("babaisai", "doors", 0)).goal == "Get out."
    await pool.close()


async def test_what_a_cancelled_player_left_unanswered_is_never_read_as_anothers_answer(made):
    environment = await made.start()
    await environment.reset("babaisai", "doors", 0)
    step = asyncio.create_task(environment.step("left"))
    await asyncio.sleep(0)
    step.cancel()
    with pytest.raises(asyncio.CancelledError):
        await step
    assert not environment.alive
    await environment.close()
