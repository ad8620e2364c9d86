from dataclasses import replace

import numpy as np
import pytest

from evolve.simulation.gate import (
    RULES,
    champion_against_itself,
    false_promotion,
    opened,
    power,
    tasks_played,
)

BLIND = replace(RULES, parts=1)


def test_a_search_among_equals_is_promoted_in_at_most_one_of_twenty():
    assert false_promotion(1000) <= 0.05


def test_the_champion_is_promoted_over_itself_in_at_most_one_of_twenty():
    assert champion_against_itself(1000) <= 0.05


def test_futility_looks_do_not_let_more_through():
    assert champion_against_itself(1000) <= champion_against_itself(1000, rules=BLIND)


def test_futility_looks_cost_little_power_and_save_two_thirds_of_the_tasks_of_a_worse_design():
    assert power(0.10, 1000) >= power(0.10, 1000, rules=BLIND) - 0.04
    assert tasks_played(-0.10, 500) <= 0.45 * RULES.tasks
    assert tasks_played(-0.10, 100, rules=BLIND) == RULES.tasks


def test_the_gate_sees_a_large_gain_nearly_always_and_more_tasks_see_a_smaller_one_oftener():
    assert power(0.20, 300) >= 0.95
    assert power(0.10, 400, rules=replace(RULES, tasks=160)) > power(0.10, 400) + 0.1


def test_a_later_opening_needs_more():
    assert power(0.10, 400, rules=replace(RULES, opening=3)) < power(0.10, 400) - 0.1


@pytest.mark.parametrize(
    "changed",
    [
        lambda rates, chance: np.where(chance.random(len(rates)) < 0.2, 0.0, 0.625),
        lambda rates, chance: np.where(chance.random(len(rates)) < 0.2, 1.0, 0.375),
        lambda rates, chance: np.where(rates == 0.5, chance.choice([0.0, 1.0], len(rates)), rates),
    ],
    ids=["loses a few wholly", "wins a few wholly", "wins and loses by lot"],
)
def test_a_challenger_that_wins_here_and_loses_there_is_not_promoted_either(changed):
    chance = np.random.default_rng(0)
    rates = np.full(RULES.tasks, 0.5)
    promoted = sum(opened(changed(rates, chance), rates, chance, RULES).passed for _ in range(1000))
    assert promoted <= 50
