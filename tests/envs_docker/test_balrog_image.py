"""The image of Baba Is AI and MiniHack, in the hardened container that evaluation uses."""

import pytest

from alma_mcp.hosts.docker_daemon import docker_answers
from evolve.agents import Situation, Turn
from evolve.agents.scripted import policy
from evolve.environments import State
from evolve.environments.container import Containers
from evolve.environments.images import image_name, is_built

TASKS = (
    "MiniHack-Boxoban-Hard-v0",
    "MiniHack-Boxoban-Medium-v0",
    "MiniHack-MazeWalk-9x9-v0",
    "MiniHack-MazeWalk-15x15-v0",
    "MiniHack-Corridor-R3-v0",
    "MiniHack-CorridorBattle-Dark-v0",
    "MiniHack-Quest-Easy-v0",
    "MiniHack-Quest-Medium-v0",
)
MOST_STEPS = 100
BOLT = ("far east", "zap", "h", "east")


@pytest.fixture
async def environment():
    if not docker_answers():
        pytest.skip("no Docker daemon answers")
    if not is_built("balrog"):
        pytest.skip("the image is not built: alma-evolve images build balrog")
    containers = await Containers.open("balrog", image_name("balrog"))
    link = await containers.start()
    yield link
    await link.close()
    await containers.close()


async def played(environment, game: str, seed: int, *actions: str) -> list[State]:
    states = [await environment.reset("minihack", game, seed)]
    return states + [await environment.step(action) for action in actions]


async def scripted(environment, game: str, seed: int) -> list[State]:
    """An episode of the scripted agent."""
    states = await played(environment, game, seed)
    history: tuple[Turn, ...] = ()
    while not states[-1].done and len(history) < MOST_STEPS:
        now = states[-1]
        action = policy("minihack")(
            Situation("minihack", now.goal, states[0].observation, now.observation, now.actions, (), history, seed)
        )
        states.append(await environment.step(action))
        history = (*history, Turn(action, states[-1].observation))
    return states


@pytest.mark.parametrize("game", TASKS)
async def test_every_task_is_played_to_the_end_and_twice_the_same(environment, game):
    once, again = [await scripted(environment, game, 3) for _ in range(2)]
    assert once == again
    assert once[-1].done or len(once) == MOST_STEPS + 1
    assert once[-1].won == (once[-1].score == 1.0)
    assert all(state.goal == once[0].goal and state.actions for state in once)


@pytest.mark.parametrize("game", [TASKS[0], TASKS[2], TASKS[6]])
async def test_a_task_can_be_won(environment, game):
    last = (await scripted(environment, game, 0))[-1]
    assert (last.won, last.done, last.score) == (True, True, 1.0)


async def test_another_seed_is_another_level(environment):
    first = {(await played(environment, TASKS[4], seed))[0].observation for seed in range(4)}
    assert len(first) == 4


async def test_an_observation_has_the_message_the_map_and_what_is_carried(environment):
    (state,) = await played(environment, TASKS[6], 1)
    assert state.observation.startswith("message:\ng - a horn.  h - a brass wand.\n\nlanguage observation:\n")
    assert "\n\nmap (top left is x=24, y=8):\n--------------\n|.....}" in state.observation
    assert state.observation.endswith("g: a horn\nh: a brass wand")
    assert {"north", "far east", "pickup", "zap"} <= set(state.actions)


async def test_a_question_of_the_game_is_answered_among_its_answers(environment):
    states = await played(environment, TASKS[6], 1, *BOLT)
    assert states[2].actions == ("h", "esc")
    assert "southwest" in states[3].actions
    assert "The lava cools and solidifies." in states[4].observation


async def test_an_unknown_action_is_answered_and_takes_no_time(environment):
    before, told, after = await played(environment, TASKS[5], 2, "dance", "east")
    assert "There is no action 'dance' now. The actions are: north, east" in told.observation
    assert told.observation.split("language")[1] == before.observation.split("language")[1]
    assert [state.observation for state in await played(environment, TASKS[5], 2, "east")][1] == after.observation


async def test_after_the_end_nothing_happens(environment):
    states = await scripted(environment, TASKS[2], 1)
    assert states[-1].done
    assert await environment.step("north") == states[-1]


async def test_it_says_where_its_rules_and_levels_come_from(environment):
    assert "alma-mcp's own" in environment.sources["babaisai"] or "the original" in environment.sources["babaisai"]
    assert "balrog-nle" in environment.sources["minihack"]
    assert "levels" in environment.sources["minihack"]
