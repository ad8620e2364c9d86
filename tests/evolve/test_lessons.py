import pytest

from alma_mcp.contract import Experience, Query, Step
from evolve.archive import LESSONS, Lesson
from evolve.benchmarks import Scope, Task
from evolve.evaluation import Evaluation, Rejection, TaskResult
from evolve.meta.lessons import clean, forbidden, learn, merged

HYPOTHESIS = "Rank by rare words. They tell most."


def scored(*scores):
    results = [TaskResult(f"t{number}", f"t{number}", {"s": score}, 1, 1.0) for number, score in enumerate(scores)]
    return Evaluation("d", "d", "made", "search", "s", results)


PARENT = scored(*[0.5] * 20)


def test_a_hypothesis_holds_where_the_child_is_clearly_better_and_fails_where_it_is_clearly_worse():
    for score, held, failed in ((0.8, 1, 0), (0.2, 0, 1), (0.5, 0, 0)):
        assert learn([], HYPOTHESIS, scored(*[score] * 20), PARENT) == [Lesson(HYPOTHESIS, held, failed)]


@pytest.mark.parametrize("child", [scored(*[1.0] * 5), scored(*[1.0, 0.0] * 10)])
def test_few_tasks_or_mixed_ones_show_nothing(child):
    assert learn([], HYPOTHESIS, child, PARENT) == [Lesson(HYPOTHESIS)]


def test_a_child_that_was_not_scored_shows_nothing_of_its_hypothesis():
    parents = [Lesson("Order matters.", 1, 0)]
    assert learn(parents, HYPOTHESIS, Rejection("d", "smoke", "no"), PARENT) == parents
    assert learn(parents, HYPOTHESIS, PARENT, None) == [*parents, Lesson(HYPOTHESIS)]


def test_evidence_is_added_to_the_line_that_is_there():
    better = scored(*[0.8] * 20)
    again = learn([Lesson("rank by RARE words; they tell most", 2, 1)], HYPOTHESIS, better, PARENT)
    assert again == [Lesson("rank by RARE words; they tell most", 3, 1)]


def test_what_two_parents_have_from_one_ancestor_counts_once():
    shared = [Lesson("a", 3, 1), Lesson("b", 0, 0), Lesson("A.", 2, 2)]
    assert merged(shared) == [Lesson("a", 3, 2), Lesson("b", 0, 0)]


def test_thirty_lines_are_kept_those_with_most_evidence():
    inherited = [Lesson(f"line {number}", held=number % 2) for number in range(40)]
    kept = learn(inherited, HYPOTHESIS, scored(*[0.8] * 20), PARENT)
    assert len(kept) == LESSONS
    assert kept[-1] == Lesson(HYPOTHESIS, 1, 0)
    assert {lesson.line for lesson in inherited if lesson.held} < {lesson.line for lesson in kept}
    assert kept[:-1] == [lesson for lesson in inherited if lesson in kept]


def test_a_long_hypothesis_is_cut_at_a_sentence_or_a_word():
    long = f"{HYPOTHESIS} {'It goes on and on ' * 20}"
    (lesson,) = learn([], long, PARENT, PARENT)
    assert lesson.line == HYPOTHESIS
    (lesson,) = learn([], "word " * 100, PARENT, PARENT)
    assert lesson.line.endswith("word…")
    assert len(lesson.line) <= 200


QUERY = Query("Which violin did Ada buy in the old town of Bern?")
TASK = Task("t", QUERY, frozenset({"src/secret/vault.py", "x"}), "c")
SECRET = forbidden(
    [Scope("s", [Experience("e", steps=(Step("user", "hm"),)), TASK])], ["the mug is in the left cabinet"]
)


@pytest.mark.parametrize(
    "line",
    [
        "Questions like WHICH violin - did Ada buy in a town.",
        "Work is often in src/secret/vault.py and beside it.",
        "Say that the mug is in the left one.",
        "long " * 50,
        " ",
    ],
)
def test_a_line_that_quotes_a_task_or_an_answer_is_dropped(line):
    assert clean(line, SECRET) == ""


def test_a_line_that_shares_fewer_words_is_kept_in_one_line():
    assert clean("Ask WHICH violin:\n did Ada buy it?", SECRET) == "Ask WHICH violin: did Ada buy it?"


def test_a_hypothesis_that_quotes_a_task_is_not_kept():
    assert learn([], "Questions: which violin did Ada buy in.", PARENT, PARENT, secret=SECRET) == []
