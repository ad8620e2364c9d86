import random
from collections import Counter

import numpy as np
import pytest

from evolve.cascade.proxy import leading, smoke

TASKS = {f"t{number}": f"c{number % 4}" for number in range(40)}


def rows(designs, seed=0):
    """Half of the tasks measure how good a design is, the others are the same for all but noise."""
    chance = np.random.default_rng(seed)
    skill = chance.random(designs)
    telling = {task for number, task in enumerate(TASKS) if number % 8 < 4}
    return [
        {task: float(np.clip(good + chance.normal(0, 0.05), 0, 1)) if task in telling else 0.5 for task in TASKS}
        for good in skill
    ], telling


def error(found, order, count):
    """How badly the mean over the first tasks ranks designs by their mean over all."""
    part = np.array([np.mean([row[task] for task in order[:count]]) for row in found])
    whole = np.array([np.mean(list(row.values())) for row in found])
    return float(np.abs((part - part.mean()) - (whole - whole.mean())).mean())


def test_the_order_has_every_task_once():
    assert sorted(leading(TASKS, rows(10)[0], 0)) == sorted(TASKS)


def test_the_same_inputs_give_the_same_order_and_another_seed_another_one():
    assert leading(TASKS, [], 3) == leading(TASKS, [], 3)
    assert leading(TASKS, [], 3) != leading(TASKS, [], 4)


def test_with_few_designs_every_cluster_has_its_share():
    for count in (4, 8, 20):
        assert set(Counter(TASKS[task] for task in leading(TASKS, rows(3)[0], 0)[:count]).values()) == {count // 4}


def test_larger_clusters_have_more_of_the_first_tasks():
    tasks = {f"t{number}": "small" if number < 10 else "large" for number in range(40)}
    assert Counter(tasks[task] for task in leading(tasks, [], 0)[:8]) == {"large": 6, "small": 2}


def test_what_is_learnt_predicts_new_designs_better_than_chance():
    seen, _ = rows(8, seed=1)
    others, _ = rows(30, seed=2)
    learnt = error(others, leading(TASKS, seen, 0), 8)
    drawn = [error(others, random.Random(seed).sample(list(TASKS), 8), 8) for seed in range(50)]
    assert learnt < np.mean(drawn) / 2


def test_half_of_the_first_tasks_are_of_the_telling_half():
    seen, telling = rows(8)
    assert sum(task in telling for task in leading(TASKS, seen, 0)[:8]) == 4


def test_designs_that_have_not_played_everything_teach_nothing():
    part = [{task: score for task, score in row.items() if task != "t7"} for row in rows(8)[0]]
    assert leading(TASKS, part, 0) == leading(TASKS, [], 0)


@pytest.mark.parametrize("clusters", [1, 3])
def test_the_smoke_tasks_are_of_as_few_clusters_as_asked_for(clusters):
    found = smoke(TASKS, 3, 0, clusters)
    assert len(set(found)) == 3
    assert len({TASKS[task] for task in found}) == clusters


def test_more_clusters_are_taken_where_those_have_too_few_tasks():
    tasks = {f"t{number}": f"c{number}" for number in range(10)}
    assert len(smoke(tasks, 3, 0)) == 3
    assert len(smoke({"a": "x", "b": "y"}, 3, 0)) == 2


def test_what_comes_first_leads_and_the_rest_makes_up_for_it():
    first = smoke(TASKS, 3, 0)
    order = leading(TASKS, [], 0, first=first)
    assert order[:3] == first
    assert set(Counter(TASKS[task] for task in order[:12]).values()) == {3}


def test_a_memory_that_learns_is_played_in_its_order():
    tasks = {f"{scope}{number}": f"{scope}-{number % 2}" for scope in "ab" for number in range(10)}
    after = {f"{scope}{number}": f"{scope}{number - 1}" for scope in "ab" for number in range(1, 10)}
    first = smoke(tasks, 3, 0, after=after)
    assert first in (["a0", "a1", "a2"], ["b0", "b1", "b2"])
    order = leading(tasks, [], 0, after, first)
    for scope in "ab":
        assert [task for task in order if task[0] == scope] == [f"{scope}{number}" for number in range(10)]
