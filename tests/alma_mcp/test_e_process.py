import random

import pytest

from alma_mcp.serving.e_process import ENOUGH, e_value

SIGNALS = 200
TRIALS = 1000


def rolled_back_after(chance, against_in):
    """The number of signals after which the first of them reaches the bound, or None where none of them does."""
    against = in_favour = 0
    for number in range(1, SIGNALS + 1):
        if chance.random() < against_in:
            against += 1
        else:
            in_favour += 1
        if e_value(against, in_favour) >= ENOUGH:
            return number
    return None


def simulated(against_in, seed):
    chance = random.Random(seed)
    ends = [rolled_back_after(chance, against_in) for _ in range(TRIALS)]
    found = sorted(each for each in ends if each)
    return len(found) / TRIALS, found[len(found) // 2] if found else None


def test_it_begins_at_one_and_is_a_fair_game_where_the_designs_are_equal():
    assert e_value(0, 0) == 1
    for against in range(6):
        for in_favour in range(6):
            after = (e_value(against + 1, in_favour) + e_value(against, in_favour + 1)) / 2
            assert after == pytest.approx(e_value(against, in_favour))


@pytest.mark.parametrize("seed", range(3))
def test_a_design_that_is_no_worse_is_rolled_back_in_at_most_one_case_of_twenty(seed):
    assert simulated(0.5, seed)[0] <= 0.05
    assert simulated(0.4, seed)[0] <= 0.01


@pytest.mark.parametrize(("against_in", "share", "signals"), [(0.9, 1.0, 8), (0.8, 0.99, 20), (0.7, 0.95, 40)])
def test_a_worse_design_is_rolled_back_and_soon(against_in, share, signals):
    found, median = simulated(against_in, 1)
    assert found >= share
    assert median <= signals


def test_six_signals_against_it_and_none_for_it_are_enough():
    assert e_value(5, 0) < ENOUGH <= e_value(6, 0)
