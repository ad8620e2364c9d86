import random
from collections import Counter

import pytest

from evolve.selection import SAMPLERS, Candidate, alma, greedy

CANDIDATES = [Candidate("low", 0.1, 0), Candidate("high", 0.9, 0), Candidate("visited", 0.9, 20)]


@pytest.mark.parametrize("name", SAMPLERS)
def test_parents_are_distinct_and_no_more_than_there_are(name):
    for seed in range(20):
        chosen = SAMPLERS[name](CANDIDATES, 0.0, 5, random.Random(seed))
        assert len({each.design for each in chosen}) == len(chosen) == 3


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_same_chance_chooses_the_same(name):
    first, again = (SAMPLERS[name](CANDIDATES, 0.0, 2, random.Random(7)) for _ in range(2))
    assert first == again


def test_a_higher_score_is_likelier_and_a_visit_makes_it_less_so():
    chance = random.Random(0)
    counted = Counter(alma(CANDIDATES, 0.0, 1, chance)[0].design for _ in range(4000))
    assert counted["high"] > counted["low"] > counted["visited"] > 0


def test_greedy_takes_the_best():
    assert [each.score for each in greedy(CANDIDATES, 0.0, 2, random.Random(0))] == [0.9, 0.9]
