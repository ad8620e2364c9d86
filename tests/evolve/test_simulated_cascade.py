import pytest

from evolve.cascade import CascadeSettings
from evolve.simulation.cascade import (
    HELD_OUT,
    STREAMS,
    Saved,
    judged_twice,
    saving,
    stream,
    streams,
)


def test_the_cascade_plays_three_times_fewer_episodes_and_chooses_the_same_in_nine_of_ten():
    fewer, same = saving(judged_twice(each, CascadeSettings()) for each in streams(range(HELD_OUT, HELD_OUT + 3)))
    assert fewer >= 3.0
    assert same >= 0.9


def test_the_same_seed_gives_the_same_stream_and_the_same_judgement():
    first, again = (stream("plateaus", "alma", 3, 60, 10) for _ in range(2))
    assert first == again
    assert judged_twice(first, CascadeSettings()) == judged_twice(again, CascadeSettings())


def test_of_each_seed_there_are_so_many_streams():
    assert len(list(streams([5], 10))) == STREAMS


def test_without_a_threshold_everything_is_played_and_the_choice_is_the_same():
    found = judged_twice(stream("slopes", "clade_thompson", 0, 60, 10), CascadeSettings(threshold=0.0))
    assert found.same
    assert found.whole == found.cascade


def test_seeds_are_played_whole_and_are_no_candidates():
    assert judged_twice(stream("slopes", "alma", 0, 60, 10), CascadeSettings()).whole <= 10 * 60


def test_designs_that_are_as_good_come_to_the_same_where_results_repeat():
    def scored(*, repeatable):
        found = stream("slopes", "clade_thompson", 1, 200, 20, repeatable=repeatable)
        one, other = list(found.search.values())[-2:]
        return sum(one[task] != other[task] for task in one)

    assert scored(repeatable=True) < scored(repeatable=False) / 2


def test_candidates_in_flight_together_cost_little_more():
    found = stream("plateaus", "clade_thompson", HELD_OUT, 120, repeatable=True)
    alone, together = (judged_twice(found, CascadeSettings(), at_once) for at_once in (1, 4))
    assert together.cascade < 1.5 * alone.cascade


def test_a_saving_is_counted_over_all_episodes():
    assert saving([Saved(100, 50, same=True), Saved(300, 50, same=False)]) == (pytest.approx(4.0), 0.5)
