import math

import numpy as np
import pytest

from evolve.cascade.posterior import Forecast, difference, difficulty, expectation, forecast


def test_the_middle_is_even_before_anything_is_seen():
    assert difference([], 60).above(Forecast(0.0, 0.0)) == pytest.approx(0.5)


def test_three_equal_outcomes_are_no_certainty():
    for outcome in (-1.0, 1.0):
        better = difference([outcome] * 3, 60).above(Forecast(0.0, 0.0))
        assert 0.03 < better < 0.97
        assert (better > 0.5) == (outcome > 0)


def test_more_tasks_that_say_the_same_say_it_louder():
    said = [difference([-1.0, 0.0] * count, 100).above(Forecast(0.0, 0.0)) for count in (2, 5, 10, 20)]
    assert said == sorted(said, reverse=True)
    assert said[-1] < 0.001


def test_a_split_that_is_played_whole_is_certain():
    found = forecast({"a": 1.0, "b": 0.0}, {"a": 0.5, "b": 0.5})
    assert found == Forecast(0.5, 0.0)
    assert found.above(Forecast(0.4, 0.0)) == 1.0
    assert found.above(Forecast(0.5, 0.0)) == 0.5


def test_small_steps_of_continuous_scores_count_too():
    tasks = [str(task) for task in range(40)]
    expected = dict.fromkeys(tasks, 0.5)
    better = forecast(dict.fromkeys(tasks[:20], 0.62), expected)
    worse = forecast(dict.fromkeys(tasks[:20], 0.38), expected)
    assert worse.mean < 0.5 < better.mean
    assert better.above(Forecast(0.5, 0.0)) > 0.85
    assert worse.above(Forecast(0.5, 0.0)) < 0.15


def test_the_probability_is_about_as_often_right_as_it_says():
    chance = np.random.default_rng(0)
    said, was = [], []
    for _ in range(2000):
        rate = chance.normal(0, 0.1)
        whole = np.clip(chance.normal(rate, 0.45, size=100), -1, 1)
        said.append(difference(whole[:20], 100).above(Forecast(0.0, 0.0)))
        was.append(whole.mean() > 0)
    for low in (0.0, 0.2, 0.4, 0.6, 0.8):
        there = [(one, other) for one, other in zip(said, was, strict=True) if low <= one < low + 0.2]
        assert np.mean([one for one, _ in there]) == pytest.approx(np.mean([other for _, other in there]), abs=0.06)


def test_a_task_that_few_have_played_is_about_as_hard_as_the_others():
    found = difficulty([{"a": 1.0, "b": 0.0}, {"a": 1.0}, {"a": 1.0}], ["a", "b", "c"])
    assert found["a"] > found["c"] > found["b"]
    assert difficulty([], ["a"]) == {"a": 0.5}


def test_what_is_expected_is_the_incumbents_score_in_the_mean():
    usual = {"a": 0.2, "b": 0.4, "c": 0.9}
    incumbent = {"a": 1.0, "b": 0.0, "c": 1.0}
    expected = expectation(usual, incumbent)
    assert math.fsum(expected.values()) == pytest.approx(2.0)
    assert expected["a"] < incumbent["a"]


def test_easy_tasks_do_not_flatter_a_candidate():
    usual = {"easy": 0.9, "hard": 0.1}
    incumbent = {"easy": 1.0, "hard": 0.0}
    found = forecast({"easy": 1.0}, expectation(usual, incumbent))
    assert found.mean == pytest.approx(0.5, abs=0.03)
