import math
import random
from collections import Counter

import pytest

from alma_mcp.design_store import bundled_designs
from evolve.config import SearchSettings
from evolve.evaluation import Evaluation, TaskResult
from evolve.meta.briefing import Briefing
from evolve.seen import seen_of
from evolve.selection import SAMPLERS, Candidate, alma, clade_thompson, clades, dgm, greedy, iid, pareto

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


def test_every_sampler_can_be_configured():
    for name in SAMPLERS:
        assert SearchSettings.model_validate({"benchmark": "locomo", "sampler": name}).sampler == name


def test_greedy_takes_the_best():
    assert [each.score for each in greedy(CANDIDATES, 0.0, 2, random.Random(0))] == [0.9, 0.9]


def counts(sampler, candidates, draws=4000):
    chance = random.Random(0)
    return Counter(sampler(candidates, 0.0, 1, chance)[0].design for _ in range(draws))


def made(design, results, *parents):
    tasks = {str(place): float(solved) for place, solved in enumerate(results)}
    return Candidate(design, sum(results) / len(results), 0, tasks, parents)


def test_dgm_weighs_fitness_against_children():
    parts = counts(dgm, [Candidate("half", 0.5, 0), Candidate("better", 0.7, 0), Candidate("parent", 0.7, 3)])
    weights = {"half": 0.5, "better": 1 / (1 + math.exp(-2)), "parent": 1 / (1 + math.exp(-2)) / 4}
    for design, weight in weights.items():
        assert parts[design] / 4000 == pytest.approx(weight / sum(weights.values()), abs=0.03)


def test_a_clade_pools_what_a_design_and_all_its_descendants_won():
    family = [made("a", [1, 0]), made("b", [1, 1], "a"), made("c", [0, 0], "b"), made("alone", [0, 1])]
    pooled = {each.design: record for each, record in clades(family)}
    assert pooled == {"a": (3, 3), "b": (2, 2), "c": (0, 2), "alone": (1, 1)}


def test_a_design_that_descends_twice_counts_once_in_a_clade():
    family = [made("a", [0, 0]), made("b", [1, 0], "a"), made("c", [1, 1], "a"), made("d", [1, 1], "b", "c")]
    pooled = {each.design: record for each, record in clades(family)}
    assert pooled["a"] == (5, 3)


def test_a_parent_that_was_never_scored_is_no_obstacle_to_a_clade():
    assert clades([made("b", [1, 0], "unknown")])[0][1] == (1, 1)


def test_clade_thompson_prefers_a_poor_design_with_good_children_to_one_with_poor_children():
    fruitful = [made("fruitful", [0, 0, 0, 1]), *(made(f"good {n}", [1, 1, 1, 1], "fruitful") for n in range(4))]
    barren = [made("barren", [0, 0, 0, 1]), *(made(f"poor {n}", [0, 0, 0, 0], "barren") for n in range(4))]
    parts = counts(clade_thompson, fruitful + barren)
    assert parts["fruitful"] > 20 * parts["barren"]


def test_clade_thompson_tries_again_what_is_little_known():
    known, unknown = made("known", [1, 0] * 200), made("unknown", [0, 1])
    assert 0.4 < counts(clade_thompson, [known, unknown])["unknown"] / 4000 < 0.6


def test_pareto_draws_a_parent_by_the_tasks_that_it_is_best_on():
    front = [made("most", [1, 1, 1, 0]), made("one", [0, 0, 0, 1]), made("none", [0, 0, 0, 0])]
    parts = counts(pareto, front)
    assert parts["none"] == 0
    assert parts["most"] / parts["one"] == pytest.approx(3, rel=0.2)


def test_iid_only_ever_starts_from_the_seeds():
    family = [made("seed", [0, 0]), made("child", [1, 1], "seed"), made("other seed", [0, 1])]
    assert counts(iid, family).keys() == {"seed", "other seed"}
    assert {each.design for each in iid(family, 0.0, 5, random.Random(0))} == {"seed", "other seed"}


async def test_a_search_tells_its_sampler_the_tasks_and_the_parents(archive):
    told = []

    def sampler(candidates, baseline, count, chance):
        told.extend(candidates)
        return list(candidates)[:count]

    seed, child = (bundled_designs()[name] for name in ("no_memory", "lexical"))
    archive.add(seed, "seed", "", [], 1.0)
    archive.add(child, "made", "", [seed.id], 2.0)
    for design, solved in ((seed, 0.0), (child, 1.0)):
        results = [TaskResult(name, "c", {"recall@10": solved}, 0, 1.0) for name in ("one", "two")]
        evaluation = Evaluation(design.id, design.name, "locomo", "search", "recall@10", results)
        archive.judge(design.id, "locomo", "search", evaluation)
    await Briefing(archive, "locomo", sampler).brief(seen_of(archive, "locomo", [seed.id, child.id]), 0)
    assert {each.design: (each.visits, each.tasks, each.parents) for each in told} == {
        seed.id: (1, {"one": 0.0, "two": 0.0}, ()),
        child.id: (0, {"one": 1.0, "two": 1.0}, (seed.id,)),
    }
