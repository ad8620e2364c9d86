import pytest

from evolve.gate.decision import cut, decide

GAIN, LOSS, NOTHING = [1.0] * 10, [-1.0] * 10, [0.0] * 10


def decided(*played, parts=3):
    return decide(played, alpha=0.03, minimum_effect=0.03, parts=parts)


def test_a_gain_is_never_decided_before_the_last_part():
    assert not decided(GAIN).ended
    assert not decided(GAIN, GAIN).ended
    assert decided(GAIN, GAIN, GAIN).passed


@pytest.mark.parametrize("first", [LOSS, NOTHING])
def test_a_first_part_without_a_gain_ends_it(first):
    decision = decided(first)
    assert (decision.ended, decision.futile, decision.passed, decision.tasks) == (True, True, False, 10)


def test_the_second_look_sees_both_parts_together():
    assert decided(GAIN, [-2.0] * 10).futile
    assert not decided(GAIN, [-0.5] * 10).futile


def test_what_would_have_been_stopped_does_not_pass_whatever_comes_later():
    assert decided(LOSS, GAIN, GAIN) == decided(LOSS)


def test_where_all_of_a_part_is_missing_nothing_is_known_of_it():
    assert not decided([]).ended
    assert decided([], GAIN, GAIN).passed


def test_the_last_part_is_no_look():
    decision = decided(GAIN, GAIN, [-3.0] * 10)
    assert (decision.ended, decision.futile, decision.passed) == (True, False, False)


def test_in_one_part_there_is_no_look_at_all():
    decision = decided(NOTHING, parts=1)
    assert (decision.ended, decision.futile, decision.passed) == (True, False, False)


def test_a_gain_below_the_minimum_does_not_pass_however_sure_it_is():
    decision = decided([0.02] * 10, [0.02] * 10, [0.02] * 10)
    assert decision.beyond_chance
    assert not decision.passed


@pytest.mark.parametrize(("count", "sizes"), [(80, [27, 27, 26]), (12, [4, 4, 4]), (2, [1, 1]), (1, [1]), (0, [0])])
def test_things_are_cut_into_parts_that_differ_by_one_at_most(count, sizes):
    parts = cut(range(count))
    assert [len(part) for part in parts] == sizes
    assert [each for part in parts for each in part] == list(range(count))
