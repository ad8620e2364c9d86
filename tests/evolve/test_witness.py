import random

import pytest
from made import TOPICS, write_locomo

from alma_mcp.design_store import bundled_designs
from evolve.benchmarks import Task
from evolve.benchmarks.locomo import Locomo
from evolve.episode import Episode, EpisodeStep, Game
from evolve.episodes import Episodes
from evolve.evaluate import evaluate
from evolve.evaluation import Evaluation, TaskResult
from evolve.meta.witness import LONGEST, witness

LEXICAL = bundled_designs()["lexical"]


@pytest.fixture
def locomo(tmp_path):
    return Locomo(write_locomo(tmp_path / "locomo.json"))


def rescored(evaluation, scores):
    """The same evaluation, its first tasks with these scores and all others in the middle."""
    results = [
        TaskResult(each.task, each.cluster, {"recall@10": score}, 1, 1.0)
        for each, score in zip(evaluation.results, [*scores, *[0.5] * len(evaluation.results)], strict=False)
    ]
    return Evaluation(LEXICAL.id, "lexical", "locomo", "search", "recall@10", results)


async def test_the_worst_tasks_are_shown_and_last_one_of_the_best(locomo, laboratory):
    evaluation = await evaluate(LEXICAL, locomo, "search", laboratory)
    told = await witness(LEXICAL, locomo, rescored(evaluation, [0.9, 0.1, 0.0]), laboratory, random.Random(1))
    assert [text.splitlines()[0] for text in told] == [
        "Scored 0.000 (recall@10).",
        "Scored 0.100 (recall@10).",
        "Scored 0.900 (recall@10).",
    ]
    for text, topic in zip(told, (TOPICS[2], TOPICS[1], TOPICS[0]), strict=True):
        assert f"Asked, at most 10 items: When did Ada begin with the {topic}?" in text
        assert f"I began with a {topic} last week" in text
        assert "(lexical #1)" in text


async def test_nothing_of_an_answer_key_and_no_id_is_shown(locomo, laboratory):
    evaluation = await evaluate(LEXICAL, locomo, "search", laboratory)
    told = "\n".join(await witness(LEXICAL, locomo, evaluation, laboratory, random.Random(1), 99))
    tasks = [moment for scope in locomo.scopes("search") for moment in scope.moments if isinstance(moment, Task)]
    assert len(tasks) == told.count("Scored ")
    for task in tasks:
        assert task.id not in told
        assert not any(answer in told for answer in task.answer)


async def test_chance_decides_between_equals_and_nothing_else(locomo, laboratory):
    evaluation = await evaluate(LEXICAL, locomo, "search", laboratory)
    told = [await witness(LEXICAL, locomo, evaluation, laboratory, random.Random(seed), 1) for seed in (1, 1, 2, 3, 4)]
    assert told[0] == told[1]
    assert len({text for (text,) in told}) > 1


async def test_another_split_is_never_shown(locomo, laboratory):
    evaluation = await evaluate(LEXICAL, locomo, "validation", laboratory)
    with pytest.raises(AssertionError, match="only the search split"):
        await witness(LEXICAL, locomo, evaluation, laboratory, random.Random(1))


def played(number, won):
    steps = tuple(EpisodeStep(f"go to cabinet {n}", f"You see a mug {n}. " * 50, 0.0) for n in range(30))
    return Episode(
        Game("alfworld", f"game{number}", 0, "put"), "scripted", 0, f"put mug {number} on the desk", "A room.",
        ("The mug was in cabinet 7.",), steps, float(won), won,
    )  # fmt: skip


async def test_games_are_told_from_their_trajectories(tmp_path, locomo, laboratory):
    episodes = Episodes(tmp_path)
    traces = [episodes.keep("alfworld", played(number, number == 2)) for number in range(3)]
    results = [
        TaskResult(f"t{number}", "c", {"score": float(number == 2)}, 9, 1.0, trace=trace)
        for number, trace in enumerate([*traces, ""])
    ]
    evaluation = Evaluation(LEXICAL.id, "lexical", "alfworld", "search", "score", results)
    told = await witness(LEXICAL, locomo, evaluation, laboratory, random.Random(1), 9, episodes=episodes)
    assert len(told) == 4
    assert all(len(text) <= LONGEST for text in told)
    assert "Goal: put mug 2 on the desk" in told[-1]
    assert "- The mug was in cabinet 7." in told[-1]
    assert "1. go to cabinet 0 -> You see a mug 0." in told[-1]
    assert "(18 steps left out)" in told[-1]
    assert "Won in 30 steps, score 1.00." in told[-1]
    assert [text for text in told if "The memory returned nothing" in text] == [
        "Scored 0.000 (score).\nThe memory returned nothing, so it was played as without memory."
    ]
