"""The interval of a score by itself: what is resampled, and how wide that makes it."""

import math
from statistics import fmean

import numpy as np
import pytest

from evolve.compare import interval


def alone(count):
    return [f"task {number}" for number in range(count)]


def test_of_nothing_there_is_no_mean():
    nothing = interval([], [])
    assert all(math.isnan(each) for each in (nothing.mean, nothing.low, nothing.high))


def test_a_single_task_says_only_itself():
    one = interval([0.25], ["a"])
    assert (one.low, one.mean, one.high) == (0.25, 0.25, 0.25)


def test_with_one_task_a_cluster_it_is_the_ordinary_interval_of_a_mean():
    scores = [0.0] * 120 + [1.0] * 280
    found = interval(scores, alone(400))
    width = 2 * 1.96 * math.sqrt(0.7 * 0.3 / 400)
    assert found.mean == 0.7
    assert found.high - found.low == pytest.approx(width, rel=0.1)


def test_within_one_cluster_its_tasks_are_resampled():
    found = interval([0.0, 1.0] * 200, ["one"] * 400)
    assert found.high - found.low == pytest.approx(2 * 1.96 * 0.5 / 20, rel=0.1)


@pytest.mark.parametrize("clusters", [1, 3, 40, 200])
def test_the_mean_is_that_of_all_tasks_and_lies_within(clusters):
    chance = np.random.default_rng(clusters)
    scores = chance.random(200).tolist()
    found = interval(scores, [str(number % clusters) for number in range(200)])
    assert found.mean == pytest.approx(fmean(scores))
    assert 0.0 <= found.low < found.mean < found.high <= 1.0


def test_a_large_cluster_weighs_as_many_tasks_as_it_has():
    found = interval([1.0] * 90 + [0.0] * 10, ["large"] * 90 + ["small"] * 10)
    assert found.mean == 0.9
    assert (found.low, found.high) == (0.0, 1.0)


def test_tasks_that_stand_and_fall_together_widen_the_interval():
    clusters = [str(number // 10) for number in range(200)]
    together = [float(number // 10 % 2) for number in range(200)]
    apart = [float(number % 2) for number in range(200)]
    wide, narrow, independent = (
        interval(together, clusters),
        interval(apart, clusters),
        interval(together, alone(200)),
    )
    assert wide.mean == narrow.mean == independent.mean == 0.5
    assert wide.high - wide.low > 2.5 * (independent.high - independent.low)
    assert wide.high - wide.low > 2.5 * (narrow.high - narrow.low)


def test_the_same_seed_gives_the_same_and_another_seed_nearly_the_same():
    chance = np.random.default_rng(5)
    scores = chance.random(60).tolist()
    clusters = [str(number % 7) for number in range(60)]
    assert interval(scores, clusters, 3) == interval(scores, clusters, 3)
    other = interval(scores, clusters, 4)
    assert other != interval(scores, clusters, 3)
    assert other.low == pytest.approx(interval(scores, clusters, 3).low, abs=0.03)


def test_the_names_of_clusters_do_not_matter():
    scores = [0.0, 1.0, 1.0, 0.0, 0.5, 0.25]
    assert interval(scores, list("aabbcc")) == interval(scores, ["x1", "x1", "x2", "x2", "x3", "x3"])
