from math import log2

import pytest

from evolve.benchmarks.metrics import hit, ndcg, recall, voted_files

RANKED = ["x", "a", "y", "b", "z"]


@pytest.mark.parametrize(
    ("answer", "depth", "found"),
    [("a", 1, 0.0), ("a", 2, 1.0), ("ab", 3, 0.5), ("ab", 4, 1.0), ("abcd", 10, 0.5), ("c", 10, 0.0)],
)
def test_recall_is_the_part_of_the_answer_among_the_first(answer, depth, found):
    assert recall(frozenset(answer), RANKED, depth) == found


@pytest.mark.parametrize(("answer", "depth", "found"), [("ab", 1, 0.0), ("ab", 2, 1.0), ("abcd", 10, 1.0), ("c", 5, 0)])
def test_a_hit_is_any_of_the_answer_among_the_first(answer, depth, found):
    assert hit(frozenset(answer), RANKED, depth) == found


@pytest.mark.parametrize(
    ("answer", "depth", "gain"),
    [
        ("x", 5, 1.0),
        ("a", 5, 1 / log2(3)),
        ("y", 5, 0.5),
        ("xa", 5, 1.0),
        ("ab", 5, (1 / log2(3) + 1 / log2(5)) / (1 + 1 / log2(3))),
        ("ab", 3, (1 / log2(3)) / (1 + 1 / log2(3))),
        ("xcdef", 2, 1 / (1 + 1 / log2(3))),
        ("c", 5, 0.0),
    ],
)
def test_ndcg_is_the_discounted_gain_as_a_part_of_the_best_possible(answer, depth, gain):
    assert ndcg(frozenset(answer), RANKED, depth) == pytest.approx(gain)


def test_without_anything_found_every_metric_is_nothing():
    assert [metric(frozenset("a"), [], 10) for metric in (recall, hit, ndcg)] == [0.0, 0.0, 0.0]


def test_what_several_experiences_changed_goes_before_what_the_best_one_changed():
    """A half for the one at the first place, a third and a quarter for the other."""
    files = {"first": ["once.py"], "second": ["twice.py"], "third": ["twice.py"]}
    assert voted_files(["first", "second", "third"], files) == ["twice.py", "once.py"]
    assert voted_files(["first", "second"], files) == ["once.py", "twice.py"]


def test_a_sweep_over_many_files_says_little_about_each_of_them():
    """A sixth for each of nine files at the first place, a third for one at the second."""
    sweep = [f"{number}.py" for number in range(9)]
    assert voted_files(["sweep", "other"], {"sweep": sweep, "other": ["single.py"]}) == ["single.py", *sweep]


def test_files_with_equal_votes_stay_in_the_order_in_which_they_were_named():
    """Four files at the first place weigh a quarter each, as one does at the third."""
    assert voted_files(["wide", "none", "one"], {"wide": list("dcba"), "one": ["e"]}) == list("dcbae")
    assert voted_files(["one"], {"one": ["z", "m", "a"]}) == ["z", "m", "a"]


def test_an_experience_without_files_takes_its_place_and_gives_no_vote():
    files = {"a": ["a.py"], "b": ["b.py", "shared.py"]}
    assert voted_files(["unknown", "a"], files) == ["a.py"]
    assert voted_files([], files) == []
