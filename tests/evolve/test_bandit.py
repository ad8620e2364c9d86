import random
import statistics

from evolve.meta.bandit import Tried, choose_model


def spend(models, dollars, choose, seed):
    """Spend so much on models that improve at a rate, by a size, at a price; gives the gain and who was chosen."""
    chance = random.Random(seed)
    history = []
    gain = 0.0
    while True:
        model = choose(list(models), history, random.Random(chance.random()))
        rate, size, price = models[model]
        if price > dollars:
            return gain, [each.model for each in history]
        dollars -= price
        gained = chance.uniform(0, 2 * size) if chance.random() < rate else 0.0
        gain += gained
        history.append(Tried(model, gained, price))


def uniformly(models, history, chance):
    return chance.choice(models)


def mean_gain(models, dollars, choose):
    return statistics.fmean(spend(models, dollars, choose, seed)[0] for seed in range(60))


def test_twice_as_good_at_ten_times_the_price_is_left_alone():
    models = {"cheap": (0.2, 0.02, 0.1), "dear": (0.4, 0.02, 1.0)}
    assert mean_gain(models, 20, choose_model) > 2 * mean_gain(models, 20, uniformly)


def test_five_times_as_good_at_twice_the_price_is_worth_it():
    models = {"cheap": (0.1, 0.02, 0.1), "dear": (0.5, 0.02, 0.2)}
    assert mean_gain(models, 20, choose_model) > 1.08 * mean_gain(models, 20, uniformly)


def test_at_one_price_the_better_one_is_asked_more_often():
    models = {"worse": (0.1, 0.02, 0.1), "better": (0.3, 0.02, 0.1)}
    assert mean_gain(models, 20, choose_model) > 1.2 * mean_gain(models, 20, uniformly)


def test_equal_models_are_asked_about_equally_often():
    models = {"one": (0.2, 0.02, 0.1), "other": (0.2, 0.02, 0.1)}
    shares = [
        chosen.count("one") / len(chosen) for _, chosen in (spend(models, 10, choose_model, s) for s in range(60))
    ]
    assert 0.4 < statistics.fmean(shares) < 0.6


def test_every_model_is_tried_before_any_is_tried_again():
    history = [Tried("a", 0.9, 0.01), Tried("c", 0.0, 0.01)]
    assert {choose_model("abcd", history, random.Random(seed)) for seed in range(20)} == {"b", "d"}


def often(history, model="a", models=("a", "b")):
    return sum(choose_model(models, history, random.Random(seed)) == model for seed in range(400)) / 400


def test_an_unknown_price_is_the_dearest_and_never_none():
    tried = [*[Tried("a", 0.1, 0.1), Tried("b", 0.1, 1.0)] * 10]
    unknown = [*tried, *[Tried("c", 0.1, None)] * 10]
    assert often(unknown, "a", "abc") > 0.9
    assert often([Tried("a", 0.1, None), Tried("b", 0.1, None)] * 10) > 0.4


def test_what_costs_nothing_is_preferred_and_still_measured():
    free = [Tried("a", 0.1, 0.0), Tried("b", 0.1, 1.0)] * 10
    assert often(free) > 0.95
    useless = [Tried("a", 0.0, 0.0)] * 200 + [Tried("b", 0.1, 0.02), Tried("b", 0.1, 0.01)] * 20
    assert often(useless) < 1
    assert often([Tried("a", 0.0, 0.0), Tried("b", 0.1, 0.0)] * 20) < 0.05


def test_where_nothing_was_gained_yet_the_price_decides_more_and_more():
    assert 0.6 < often([Tried("a", 0.0, 0.1), Tried("b", -0.2, 0.3)] * 10) < 1


def test_the_choice_is_a_function_of_the_history_and_of_chance():
    history = [Tried("a", 0.1, 0.1), Tried("b", 0.0, 0.2), Tried("gone", 9.0, 0.0)] * 3
    again = [choose_model(["a", "b"], list(history), random.Random(7)) for _ in range(5)]
    assert len(set(again)) == 1
    assert choose_model(["only"], history, random.Random(1)) == "only"
