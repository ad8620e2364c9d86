import numpy as np
import pytest

from evolve.compare import alpha_for_opening, compare, interval, sign_flip_p_value


def test_an_interval_holds_its_mean_and_widens_with_the_clusters():
    scores = [0.0, 1.0] * 50
    alone = interval(scores, [str(number) for number in range(100)])
    together = interval(sorted(scores), ["a"] * 50 + ["b"] * 50)
    assert alone.low < alone.mean == 0.5 < alone.high
    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_the_test_keeps_its_level_when_nothing_differs():
    chance = np.random.default_rng(1)
    rejected = sum(sign_flip_p_value(chance.choice([-1.0, 0.0, 1.0], size=40), seed) < 0.05 for seed in range(200))
    assert rejected <= 22


def test_the_test_sees_a_real_difference():
    chance = np.random.default_rng(2)
    assert sign_flip_p_value(chance.normal(0.5, 1, size=100)) < 0.001
    assert sign_flip_p_value(chance.normal(-0.5, 1, size=100)) > 0.99


def test_equal_designs_never_look_different():
    assert sign_flip_p_value(np.zeros(100)) == 1.0


def test_a_comparison_is_paired_and_leaves_out_what_only_one_played():
    clusters = {name: name for name in "abcd"}
    result = compare({"a": 1.0, "b": 0.0, "c": 1.0}, {"a": 0.0, "b": 0.0, "d": 1.0}, clusters)
    assert (result.tasks, result.wins, result.ties, result.losses) == (2, 1, 1, 0)
    assert result.difference.mean == 0.5


def test_all_openings_together_spend_no_more_than_five_percent():
    spent = sum(alpha_for_opening(number) for number in range(1, 100_000))
    assert spent == pytest.approx(0.05, abs=1e-5)
    assert alpha_for_opening(1) > alpha_for_opening(2)
