import numpy as np
import pytest

from evolve.compare import alpha_for_opening, compare, detectable, interval, sign_flip_p_value


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


def test_of_two_equal_sums_the_one_with_more_tasks_won_is_better():
    even = np.array([1.0, 1.0, 1.0, 1.0, -1.0, -1.0, -1.0, -1.0] * 2)
    one_large_loss = np.array([1.0] * 8 + [-2.0] * 4)
    assert even.sum() == one_large_loss.sum() == 0
    assert sign_flip_p_value(one_large_loss) < sign_flip_p_value(-one_large_loss)


def test_the_test_keeps_its_level_where_the_means_of_three_seeds_are_equal_often():
    chance = np.random.default_rng(3)
    rates = chance.beta(0.6, 0.6, size=(600, 60))
    played = [chance.binomial(3, rates) / 3 for _ in range(2)]
    rejected = sum(sign_flip_p_value(each, 0, 1000) < 0.05 for each in played[0] - played[1])
    assert rejected <= 600 * 0.05 + 2 * (600 * 0.05 * 0.95) ** 0.5


def test_what_can_be_detected_is_found_in_four_of_five_cases():
    chance = np.random.default_rng(4)
    spread, alpha = 0.3, 0.03
    effect = detectable((spread * np.tile([1.0, -1.0], 40)).tolist(), alpha)
    found = sum(sign_flip_p_value(chance.normal(effect, spread, 80), 0, 1000) < alpha for _ in range(300))
    assert found / 300 == pytest.approx(0.8, abs=0.07)


@pytest.mark.parametrize("differences", [[], [0.5], [0.5, 0.5]])
def test_where_nothing_is_known_of_the_spread_there_is_no_telling_what_can_be_detected(differences):
    assert detectable(differences, 0.03) is None
