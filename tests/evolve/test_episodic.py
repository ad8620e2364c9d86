"""Games played with what a memory returns: collected once, paired, repeatable, and honest about what was lost."""

import json
from dataclasses import replace

import pytest
from made_environment import DoorAgent, made_environments

from alma_mcp.design_store import Design, bundled_designs
from alma_mcp.errors import DataMissing, EvolveError
from evolve.agents import Decision
from evolve.benchmarks.courses import Course
from evolve.benchmarks.episodic import Episodic, Protocol
from evolve.environments.pool import Pool
from evolve.episode import Game, play
from evolve.episodes import Episodes
from evolve.errors import AgentLost, EnvironmentLost
from evolve.evaluate import evaluate
from evolve.evaluation import Rejection, from_json, to_json

LEXICAL = bundled_designs()["lexical"]
NO_MEMORY = bundled_designs()["no_memory"]
COURSE = Course(
    [Game("babaisai", "doors", seed, "doors") for seed in range(4)],
    [Game("babaisai", "doors", seed, "doors") for seed in range(10, 16)],
)
STATIC = Protocol("babaisai", collect_at_once=2, deploy_at_once=2)
BROKEN = """
from alma_mcp.contract import Memory

class Broken(Memory):
    name = "broken"

    async def retrieve(self, query):
        raise ValueError("no idea")
"""


@pytest.fixture
async def made(tmp_path):
    async with made_environments(tmp_path, 5) as starter:
        yield starter


@pytest.fixture
async def open_doors(made, tmp_path):
    """Makes the benchmark of the two doors, for an agent and a protocol."""
    pools = []

    def make(agent=None, protocol=STATIC, course=COURSE):
        pools.append(Pool(made.start, 2))
        episodes = Episodes(tmp_path / "episodes")
        return Episodic(protocol, course, agent or DoorAgent(), pools[-1], episodes, "image-1", "made")

    yield make
    for pool in pools:
        await pool.close()


class SlowlyLost(DoorAgent):
    """Its model goes away after some steps."""

    deterministic = False

    def __init__(self, steps: int) -> None:
        super().__init__()
        self._left = steps

    async def act(self, situation):
        self._left -= 1
        if self._left < 0:
            raise AgentLost("The model is away.")
        return await super().act(situation)


async def test_a_memory_that_shows_the_right_episodes_saves_steps(open_doors, laboratory):
    doors = open_doors()
    with_memory = await evaluate(LEXICAL, doors, "all", laboratory, controls=True)
    without = await evaluate(NO_MEMORY, doors, "all", laboratory)
    assert with_memory.summary()["metrics"]["steps"]["mean"] == 1.0
    assert without.summary()["metrics"]["steps"]["mean"] == 1.5
    assert set(with_memory.controls) == {"no_memory", "empty", "shuffled"}
    assert with_memory.gains["no_memory"].mean == 0.0


async def test_episodes_without_memory_are_played_once_for_all_designs_and_runs(open_doors, laboratory, tmp_path):
    agent = DoorAgent()
    await evaluate(NO_MEMORY, open_doors(agent), "all", laboratory, controls=True)
    played = agent.acted
    await evaluate(NO_MEMORY, open_doors(agent), "all", laboratory, controls=True)
    await evaluate(Design(NO_MEMORY.source + "\n", "other"), open_doors(agent), "all", laboratory)
    assert agent.acted == played > 0


async def test_another_version_of_the_agent_plays_its_own(open_doors, laboratory):
    first, second = DoorAgent(), DoorAgent()
    second.version = "2"
    await evaluate(NO_MEMORY, open_doors(first), "all", laboratory)
    await evaluate(NO_MEMORY, open_doors(second), "all", laboratory)
    assert second.acted == first.acted


async def test_a_score_under_another_protocol_goes_by_another_name(open_doors):
    other = Course(COURSE.collection[:1], COURSE.deployment)
    names = [
        open_doors().name,
        open_doors(course=other).name,
        open_doors(protocol=replace(STATIC, memory_tokens=100)).name,
    ]
    assert len(set(names)) == 3
    assert open_doors().name == names[0]


async def test_the_same_seed_agent_and_design_give_the_same_trajectories_twice(open_doors, laboratory, tmp_path):
    doors = open_doors()
    await evaluate(LEXICAL, doors, "all", laboratory)
    await evaluate(LEXICAL, doors, "all", laboratory)
    kept = [replace(each, seconds=0.0) for each in Episodes(tmp_path / "episodes").read(doors.name)]
    assert len(kept) == 2 * len(COURSE.deployment)
    ordered = sorted(kept, key=lambda each: each.game.id)
    assert ordered[::2] == ordered[1::2]


async def test_a_dynamic_memory_learns_from_task_to_task(open_doors, laboratory):
    seen = Course(COURSE.collection[:1], COURSE.deployment)
    static = await evaluate(LEXICAL, open_doors(course=seen), "all", laboratory)
    dynamic = await evaluate(
        LEXICAL, open_doors(protocol=replace(STATIC, rollout="sequential"), course=seen), "all", laboratory
    )
    steps = [evaluation.summary()["metrics"]["steps"]["mean"] for evaluation in (static, dynamic)]
    assert steps == [1.5, pytest.approx(1 + 1 / 6)]


async def test_an_agent_with_chance_plays_each_task_three_times_and_the_task_counts_once(open_doors, laboratory):
    agent = SlowlyLost(10_000)
    evaluation = await evaluate(LEXICAL, open_doors(agent), "all", laboratory)
    assert len(evaluation.results) == 18
    assert len(evaluation.scores) == 6
    assert {result.seed for result in evaluation.results} == {0, 1, 2}


async def test_a_lost_model_makes_tasks_missing_and_never_zeros(open_doors, laboratory):
    evaluation = await evaluate(LEXICAL, open_doors(SlowlyLost(6 + 9)), "all", laboratory)
    assert evaluation.missing
    assert len(evaluation.results) + len(evaluation.missing) == 18
    assert evaluation.score.mean == 1.0


async def test_a_model_that_is_away_from_the_start_is_an_error_and_what_was_collected_is_kept(
    open_doors, laboratory, tmp_path
):
    with pytest.raises(AgentLost, match="away"):
        await evaluate(LEXICAL, open_doors(SlowlyLost(3)), "all", laboratory)
    agent = SlowlyLost(10_000)
    await evaluate(NO_MEMORY, open_doors(agent, replace(STATIC, passes=1)), "all", laboratory)
    assert agent.acted <= 6 + 9 - 1


async def test_an_environment_that_dies_once_is_replaced_and_the_score_is_whole(open_doors, laboratory, made):
    course = Course([Game("babaisai", "crash once", 0, "doors")], COURSE.deployment)
    evaluation = await evaluate(LEXICAL, open_doors(course=course), "all", laboratory)
    assert not evaluation.missing
    assert evaluation.score.mean == 1.0
    assert len(made.processes) > 2


async def test_an_environment_that_always_dies_is_an_infrastructure_fault(open_doors, laboratory):
    class Crasher(DoorAgent):
        async def act(self, situation):
            return Decision("crash")

    with pytest.raises(EnvironmentLost, match="went away"):
        await evaluate(LEXICAL, open_doors(Crasher()), "all", laboratory)


async def test_a_design_that_fails_scores_zero_and_is_said_to_have_failed(open_doors, laboratory):
    evaluation = await evaluate(Design(BROKEN, "broken"), open_doors(), "all", laboratory)
    assert not isinstance(evaluation, Rejection)
    assert evaluation.failures == 6
    assert evaluation.score.mean == 0.0


async def test_a_task_on_which_a_design_failed_has_no_steps_and_results_keep_the_order_of_the_tasks(
    open_doors, laboratory
):
    source = (
        BROKEN.replace("raise ValueError", 'if "oak" in query.text: raise ValueError') + "        return Retrieval()\n"
    )
    design = Design(source.replace("import Memory", "import Memory, Retrieval"), "half broken")
    doors = open_doors()
    evaluation = await evaluate(design, doors, "all", laboratory)
    assert evaluation.failures == 3
    assert evaluation.score.mean == 0.5
    assert evaluation.summary()["metrics"]["steps"]["mean"] == 2.0
    assert [result.task for result in evaluation.results] == [game.id for game in COURSE.deployment]


async def test_what_a_design_asks_of_a_model_that_is_not_there_is_counted(open_doors, laboratory):
    asking = await evaluate(bundled_designs()["reasoning_bank"], open_doors(), "all", laboratory)
    assert asking.unanswered > 0
    assert (await evaluate(LEXICAL, open_doors(), "all", laboratory)).unanswered == 0


async def test_no_games_in_a_split_is_said_with_what_to_do(open_doors, laboratory):
    with pytest.raises(DataMissing, match=r"0 to deploy in the all split.*--data"):
        await evaluate(LEXICAL, open_doors(course=Course(COURSE.collection, [])), "all", laboratory)


async def test_an_evaluation_of_games_survives_the_archive(open_doors, laboratory):
    evaluation = await evaluate(LEXICAL, open_doors(), "all", laboratory, controls=True)
    again = from_json(to_json(evaluation))
    assert again.summary() == evaluation.summary()


async def test_memory_can_be_asked_before_every_step(made):
    asked = []

    async def recall(query):
        from alma_mcp.contract import Retrieval

        asked.append(query.text)
        return Retrieval()

    environment = await made.start()
    game = Game("babaisai", "doors", 1, "doors")
    once = await play(game, environment, DoorAgent(), recall, 0, tokens=8000)
    each = await play(game, environment, DoorAgent(), recall, 0, tokens=8000, each_step=True)
    assert once.won
    assert each.won
    assert [text.splitlines()[-1] for text in asked] == [
        "You see two doors in a hall of stone.",
        "You see two doors in a hall of stone.",
        "It is locked.",
    ]


async def test_an_answer_that_is_no_action_costs_a_step_and_the_agent_is_told(made):
    from alma_mcp.contract import Retrieval

    class Mumbling(DoorAgent):
        async def act(self, situation):
            if not situation.history:
                return Decision("", problem="The answer named no action.")
            assert situation.history[-1].observation == "Nothing happens: The answer named no action."
            assert situation.observation == situation.first
            return Decision("left")

    async def nothing(_):
        return Retrieval()

    environment = await made.start()
    episode = await play(Game("babaisai", "doors", 0, "doors"), environment, Mumbling(), nothing, 0, tokens=8000)
    assert [step.problem for step in episode.steps] == ["The answer named no action.", ""]
    assert episode.won


async def test_an_episode_is_remembered_with_what_was_seen_done_and_came_of_it(made):
    from alma_mcp.contract import Retrieval

    async def nothing(_):
        return Retrieval()

    environment = await made.start()
    episode = await play(Game("babaisai", "doors", 1, "doors"), environment, DoorAgent(), nothing, 0, tokens=8000)
    experience = episode.experience(0, 0)
    assert experience.text.splitlines() == [
        "Get out.",
        "environment: You see two doors in a hall of stone.",
        "agent: left",
        "environment: It is locked.",
        "agent: right",
        "environment: It opens.",
        "won in 2 steps",
    ]
    assert (experience.reward, experience.source, experience.trust) == (1.0, "babaisai", 1.0)
    assert "doors" not in experience.id


async def test_a_trajectory_is_found_by_its_id_even_beside_a_line_that_was_cut_off(open_doors, laboratory, tmp_path):
    doors = open_doors()
    evaluation = await evaluate(LEXICAL, doors, "all", laboratory)
    episodes = Episodes(tmp_path / "episodes")
    with episodes.path(doors.name).open("a") as file:
        file.write('{"id": "cut", "epis')
    found = episodes.find(evaluation.results[0].trace[:8])
    assert found.game.id == evaluation.results[0].task
    assert json.loads(json.dumps(found.to_json()))["won"]
    with pytest.raises(EvolveError, match="no single episode"):
        episodes.find("ffffffff")
