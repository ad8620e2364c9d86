"""ALFWorld and TextWorld are played in their container, and nothing but the game decides what is won."""

import contextlib
import json
from pathlib import Path

import pytest
import pytest_asyncio
from made_games import ALFWORLD, TEXTWORLD, make_games, why_not_playable

from alma_mcp.errors import EvolveError
from evolve.benchmarks.game_files import games_of
from evolve.environments.container import Containers
from evolve.environments.images import image_name

NOT_PLAYABLE = why_not_playable()
KINDS = 6
BANNER = ("$$", "Welcome to TextWorld", "-=0", "RESTART")
pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(bool(NOT_PLAYABLE), reason=NOT_PLAYABLE),
]


@pytest.fixture(scope="module")
def games(tmp_path_factory):
    folder = tmp_path_factory.mktemp("games")
    make_games(folder)
    return folder


@contextlib.asynccontextmanager
async def environment_with(games):
    containers = await Containers.open("alfworld", image_name("alfworld"), games)
    environment = await containers.start()
    try:
        yield environment
    finally:
        await environment.close()
        await containers.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def environment(games):
    """One for all tests, which all begin with a reset."""
    async with environment_with(games) as environment:
        yield environment


def walkthrough(game: Path) -> list[str]:
    return json.loads(game.with_suffix(".json").read_text())["metadata"]["walkthrough"]


async def played(environment, domain, game, actions):
    """Every state of an episode."""
    return [await environment.reset(domain, game, 7), *[await environment.step(action) for action in actions]]


async def test_a_textworld_game_is_won_by_its_own_walkthrough(environment, games):
    states = await played(environment, "textworld", TEXTWORLD, walkthrough(games / TEXTWORLD))
    assert [state.done for state in states] == [False] * (len(states) - 1) + [True]
    assert states[-1].won
    assert states[-1].score == 1.0


async def test_an_alfworld_game_is_won_by_putting_the_thing_in_its_place(environment):
    actions = ["go to cabinet 1", "open cabinet 1", "take mug 1 from cabinet 1", "go to diningtable 1"]
    states = await played(environment, "alfworld", ALFWORLD, [*actions, "move mug 1 to diningtable 1"])
    assert states[0].goal == "put a mug on the diningtable."
    assert states[0].observation.startswith("You are in the middle of a room.")
    assert [state.score for state in states] == [0.0] * 5 + [1.0]
    assert states[-1].won
    assert states[-1].done


async def test_every_action_that_is_offered_is_one_that_the_game_knows(environment):
    for domain, game in (("textworld", TEXTWORLD), ("alfworld", ALFWORLD)):
        offered = (await environment.reset(domain, game, 0)).actions
        assert list(offered) == sorted(offered)
        for action in offered:
            await environment.reset(domain, game, 0)
            said = (await environment.step(action)).observation
            assert said
            assert said not in ("Nothing happens.", "That's not a verb I recognise.")


async def test_the_same_game_and_seed_give_the_same_text_and_order_in_every_container(environment, games):
    async with environment_with(games) as other:
        for domain, game, actions in (
            ("textworld", TEXTWORLD, walkthrough(games / TEXTWORLD)),
            ("alfworld", ALFWORLD, ["go to cabinet 1", "open cabinet 1", "look", "inventory"]),
        ):
            once = await played(environment, domain, game, actions)
            assert once == await played(environment, domain, game, actions)
            assert once == await played(other, domain, game, actions)


async def test_an_observation_has_neither_a_banner_nor_the_task_in_it(environment, games):
    for domain, game in (("textworld", TEXTWORLD), ("alfworld", ALFWORLD)):
        for state in await played(environment, domain, game, ["look", "inventory"]):
            assert state.goal not in state.observation
            assert not [sign for sign in BANNER if sign in state.observation]
    won = (await played(environment, "textworld", TEXTWORLD, walkthrough(games / TEXTWORLD)))[-1]
    assert not [sign for sign in BANNER if sign in won.observation]


@pytest.mark.parametrize("trick", ["look. inventory", "restart", "quit", "save", "tw-extra-infos score", "", "dance"])
async def test_several_actions_in_one_and_commands_to_the_interpreter_do_nothing(environment, trick):
    first = await environment.reset("textworld", TEXTWORLD, 0)
    tricked = await environment.step(trick)
    assert tricked.observation == "That's not a verb I recognise."
    assert tricked.actions == first.actions
    assert "inventory" in tricked.actions


async def test_an_action_that_is_not_possible_is_answered_by_the_game(environment):
    await environment.reset("alfworld", ALFWORLD, 0)
    assert (await environment.step("take mug 1 from cabinet 1")).observation == "Nothing happens."
    await environment.reset("textworld", TEXTWORLD, 0)
    assert "can't" in (await environment.step("take the moon")).observation


async def test_a_finished_episode_stays_as_it_is(environment, games):
    won = (await played(environment, "textworld", TEXTWORLD, walkthrough(games / TEXTWORLD)))[-1]
    assert await environment.step("look") == won


@pytest.mark.parametrize("game", ["nothing.z8", "../etc/passwd", "", "alfworld"])
async def test_an_unknown_game_is_refused_with_the_games_that_are_there(environment, game):
    with pytest.raises(EvolveError, match=r"there are 1 below /games, such as textworld/small\.z8"):
        await environment.reset("textworld", game, 0)
    assert (await environment.reset("textworld", TEXTWORLD, 0)).actions


async def test_the_environment_says_which_engine_its_rules_come_from(environment):
    assert environment.sources["alfworld"].startswith("alfworld 0.4.2")
    assert environment.sources["textworld"].startswith("textworld 1.7.0")


async def test_every_game_that_is_given_is_won_by_its_own_walkthrough(tmp_path):
    folder = games_of("textworld", None, tmp_path)
    if folder is None or not folder.exists():
        pytest.skip("cannot run here: there are no TextWorld games below ../shared/data")
    async with environment_with(folder) as environment:
        found = sorted(folder.rglob("*.z8"))
        for game in found:
            states = await played(environment, "textworld", str(game.relative_to(folder)), walkthrough(game))
            assert states[-1].won, game
            assert states[0].goal not in states[0].observation
        assert found


async def test_a_game_of_every_kind_of_alfworld_that_is_given_is_won_by_its_own_walkthrough(tmp_path):
    folder = games_of("alfworld", None, tmp_path)
    if folder is None or not folder.exists():
        pytest.skip("cannot run here: there are no ALFWorld games below ../shared/data")
    walks = {game: json.loads(game.read_text()).get("walkthrough") for game in sorted(folder.rglob("*.tw-pddl"))}
    kinds = {game.parts[-3].partition("-")[0]: game for game, actions in walks.items() if actions}
    async with environment_with(folder) as environment:
        for game in kinds.values():
            actions = walks[game]
            states = await played(environment, "alfworld", str(game.relative_to(folder)), actions)
            assert states[-1].won, game
            assert states[0].goal not in states[0].observation
    assert len(kinds) == KINDS
