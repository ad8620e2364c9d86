import json
import random

import numpy as np
import pytest
from click.testing import CliRunner

from evolve.commands.simulate import simulate
from evolve.selection import SAMPLERS
from evolve.simulation import TERRAINS, Chain, Landscape, planted, search

MECHANISMS = 5
HILL = (1,) * MECHANISMS
SUMMIT = (2, 2, *HILL[2:])


def valley():
    """From the hill, either of two changes makes things worse; both together lead to the summit."""
    effects = np.zeros((MECHANISMS, 4, 1))
    effects[:, 1] = 0.6
    return Landscape(effects, (Chain(((0, 2), (1, 2)), gain=4.0, cost=0.8),))


def crossings(sampler, seeds=20):
    landscape = valley()
    found = [search(landscape, SAMPLERS[sampler], 150, random.Random(seed), 200) for seed in range(seeds)]
    return sum(quality > landscape.quality(HILL) + 0.05 for quality in found)


def test_the_valley_has_a_hill_that_no_single_change_improves_and_a_higher_summit():
    landscape = valley()
    around = [(*HILL[:place], option, *HILL[place + 1 :]) for place in range(MECHANISMS) for option in (0, 2, 3)]
    assert max(landscape.quality(each) for each in around) < landscape.quality(HILL) < landscape.quality(SUMMIT) - 0.1


def test_greedy_stays_on_the_hill_and_what_keeps_everything_crosses_the_valley():
    assert crossings("greedy") <= 5
    assert crossings("uniform") >= 18
    assert crossings("alma") >= 18


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_same_seed_gives_the_same_search(name):
    first, again = (search(planted(TERRAINS["plateaus"], 3), SAMPLERS[name], 20, random.Random(3)) for _ in range(2))
    assert first == again


def test_every_sampler_gets_as_many_proposals():
    for name in SAMPLERS:
        counted = []

        def counting(candidates, *rest, choose=SAMPLERS[name], counted=counted):
            counted.append(len(candidates))
            return choose(candidates, *rest)

        search(planted(TERRAINS["plateaus"], 1), counting, 25, random.Random(1))
        assert len(counted) == 25


def test_a_child_differs_in_one_mechanism_and_from_the_blank_design_all_is_written_anew():
    landscape, chance = planted(TERRAINS["plateaus"], 0), random.Random(0)
    parent = landscape.change(landscape.blank, chance)
    assert sum(option != 0 for option in parent) > 1
    for _ in range(50):
        child = landscape.change(parent, chance)
        assert sum(one != other for one, other in zip(parent, child, strict=True)) == 1


def test_a_chain_pays_only_when_it_is_whole():
    chain = Chain(((0, 2), (1, 2)), gain=4.0, cost=0.8)
    assert [chain.worth(design) for design in ((1, 1), (2, 1), (2, 2))] == [0.0, -0.8, 4.0]


def test_what_is_observed_is_the_true_quality_in_the_mean():
    landscape, luck = planted(TERRAINS["plateaus"], 5), np.random.default_rng(0)
    chances = landscape.chances((1,) * len(landscape.effects))
    seen = luck.binomial(1, chances, size=(20_000, *chances.shape)).mean()
    assert seen == pytest.approx(landscape.quality((1,) * len(landscape.effects)), abs=0.003)


def test_simulate_ends_with_one_line_of_json():
    done = CliRunner().invoke(simulate, ["--seeds", "2", "--budget", "5", "--json"])
    assert done.exit_code == 0, done.output
    (line,) = done.stdout.splitlines()
    report = json.loads(line)
    assert report.keys() >= {"false_promotion", "power_at_0.10", "champion_against_itself"}
    for of_terrain in report["terrains"].values():
        assert of_terrain.keys() == SAMPLERS.keys()
        assert of_terrain["iid"]["gain"]["mean"] == 0.0


def test_simulate_prints_a_table_of_every_sampler():
    done = CliRunner().invoke(simulate, ["--seeds", "2", "--budget", "5"])
    assert done.exit_code == 0, done.output
    for name in SAMPLERS:
        assert name in done.stdout
