"""The live view of a search: lines where nobody watches, a picture of all of it on a terminal."""

import io

import pytest
from made_archive import HOSTILE, design, evaluation
from rich.console import Console

from evolve.evaluation import Rejection
from evolve.views.live import LiveView
from evolve.views.live_picture import picture
from evolve.watching import STAGES, Outlook, Spending, Watcher
from scripts.pictures import lineage_picture, run_picture

TASKS = {f"task-{number}": float(number < 5) for number in range(10)}
WORSE = {**TASKS, "task-0": 0.0}
GOOD, POOR = design("good"), design("poor")


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Screen:
    """A view with its clock, and all that it has written."""

    def __init__(self, known=lambda benchmark: (), **more):
        self.file = io.StringIO()
        self.clock = Clock()
        self.console = Console(file=self.file, width=100, **more)
        self.view = LiveView(self.console, known, self.clock)

    @property
    def lines(self):
        return self.file.getvalue().splitlines()

    def seen(self):
        """The picture that is on the screen now."""
        paper = Console(file=io.StringIO(), width=100)
        paper.print(picture(self.view.scene()))
        return paper.file.getvalue()


@pytest.fixture
def screen():
    screen = Screen()
    screen.view.begins(Outlook("locomo", "openai", 5, 10, 2))
    return screen


def test_where_nobody_watches_there_is_a_plain_line_for_each_finished_candidate(screen):
    with screen.view as view:
        view.moves("1.1", "smoke", 1, 3)
        view.spent(Spending(calls=3))
        view.became("seed good", "good", evaluation(GOOD, TASKS))
        view.became("1.1", "recombine-ab12cd", evaluation(GOOD, TASKS))
        view.became("1.2", "recombine-0000ab", Rejection("", "smoke", "KeyError:\n  'x'"))
        view.became("1.3", "", Rejection("", "proposal", "no code"))
        view.became("1.4", "poor", evaluation(POOR, WORSE, eliminated="proxy", estimate=0.41))
        screen.clock.now += 7200
    score = str(evaluation(GOOD, TASKS).score)
    assert screen.lines == [
        "locomo: 5 rounds, 10 candidates by openai, 2 of them done before",
        f"seed good: {score} recall@10",
        f"1.1 recombine-ab12cd: {score} recall@10",
        "1.2 recombine-0000ab rejected at smoke: KeyError: 'x'",
        "1.3 rejected at proposal: no code",
        "1.4 poor: eliminated at proxy, estimate 0.410 recall@10",
        f"6 of 10 candidates done in 2 h 00 min; best: good {score} recall@10; spent: 3 calls",
    ]


def test_a_line_is_never_broken_and_has_no_control_characters(screen):
    with screen.view as view:
        view.became("1.1", HOSTILE, Rejection("", "smoke", HOSTILE + "word " * 100))
    assert len(screen.lines) == 3
    assert all(each.isprintable() for each in screen.lines)


def test_the_view_shows_each_candidate_in_flight_with_its_stage(screen):
    screen.view.moves("1.1", "search set", 14, 40)
    screen.clock.now += 12
    screen.view.moves("1.2", "proposing")
    seen = screen.seen()
    assert "search set 14 of 40, 12 s" in seen
    assert "proposing, 0 s" in seen
    screen.view.became("1.1", "good", evaluation(GOOD, TASKS))
    assert "14 of 40" not in screen.seen()


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_can_be_drawn(screen, stage):
    screen.view.moves("1.1", stage)
    assert stage in screen.seen()


def test_rounds_and_candidates_are_counted_with_those_that_were_done_before(screen):
    assert "1 of 5 rounds, 2 of 10 candidates" in screen.seen()
    for step in ("2.1", "2.2"):
        screen.view.became(step, "", Rejection("", "proposal", "no code"))
    screen.view.became("seed good", "good", evaluation(GOOD, TASKS))
    assert "2 of 5 rounds, 4 of 10 candidates" in screen.seen()


def test_the_time_left_is_that_of_the_steps_that_were_finished_now(screen):
    screen.view.moves("seed good", "search set", 1, 2)
    screen.clock.now += 1000
    screen.view.moves("2.1", "proposing")
    assert "left" not in screen.seen()
    screen.clock.now += 20
    screen.view.became("2.1", "", Rejection("", "proposal", "no code"))
    assert "about 2 min 20 s left" in screen.seen()
    screen.clock.now += 15
    assert "about 2 min 5 s left" in screen.seen()
    screen.clock.now += 5000
    assert "about 0 s left" in screen.seen()


def test_the_best_is_the_best_that_was_played_whole(screen):
    assert "nothing yet" in screen.seen()
    screen.view.became("1.1", "poor", evaluation(POOR, WORSE))
    screen.view.became("1.2", "good", evaluation(GOOD, TASKS))
    screen.view.became("1.3", "poor", evaluation(POOR, WORSE))
    screen.view.became("1.4", "lucky", evaluation(POOR, {"task-0": 1.0}, eliminated="smoke", estimate=0.9))
    assert f"good {evaluation(GOOD, TASKS).score} recall@10" in screen.seen()


def test_the_best_may_be_one_from_before_the_search_was_interrupted():
    screen = Screen({"locomo": [evaluation(GOOD, TASKS)]}.__getitem__)
    screen.view.begins(Outlook("locomo", "openai", 5, 10, 2))
    screen.view.became("1.2", "poor", evaluation(POOR, WORSE))
    assert f"good {evaluation(GOOD, TASKS).score} recall@10" in screen.seen()


def test_what_was_spent_stands_against_each_ceiling_that_is_set(screen):
    screen.view.spent(
        Spending(
            12,
            120_000,
            0.42,
            unpriced=True,
            episodes=310,
            seconds=90.0,
            most_calls=200,
            most_dollars=5.0,
            most_seconds=3600,
        )
    )
    seen = screen.seen()
    for told in ("12 of 200", "at least $0.42 of $5.00", "1 min 30 s of 1 h 00 min", "120,000", "310"):
        assert told in seen
    assert "120,000 of" not in seen


def test_many_in_flight_are_counted_and_not_all_drawn(screen):
    for number in range(40):
        screen.view.moves(f"1.{number}", "proxy", 1, 2)
    assert "and 28 more" in screen.seen()
    assert len(screen.seen().splitlines()) < 24


def test_on_a_terminal_the_view_is_drawn_and_gone_at_the_end_and_the_lines_stay():
    screen = Screen(force_terminal=True)
    with screen.view as view:
        view.begins(Outlook("locomo", "openai", 1, 2, 0))
        view.moves("1.1", "smoke", 1, 3)
        view.became("1.1", "good", evaluation(GOOD, TASKS))
        view.moves("1.2", "proxy", 1, 3)
    written = screen.file.getvalue()
    assert "0 of 1 rounds" in written
    assert "\x1b[?25l" in written
    assert "\x1b[?25h" in written
    assert "1.1 good: " in written
    assert "1 of 2 candidates done" in written.splitlines()[-1]


def test_a_terminal_that_can_do_nothing_gets_lines(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    screen = Screen(force_terminal=True)
    with screen.view as view:
        view.begins(Outlook("locomo", "openai", 1, 2, 0))
        view.moves("1.1", "smoke", 1, 3)
    assert "0 of 1 rounds" not in screen.file.getvalue()


def test_a_search_that_never_began_leaves_nothing():
    screen = Screen()
    with screen.view:
        pass
    assert screen.lines == []
    assert "opening the benchmark" in screen.seen()


def test_the_view_is_a_watcher():
    watcher: Watcher = LiveView()
    assert watcher


@pytest.mark.parametrize("draw", [run_picture, lineage_picture])
def test_the_pictures_of_the_documents_are_drawn_and_ask_for_nothing_from_elsewhere(draw):
    drawn = draw().replace("http://www.w3.org/2000/svg", "").replace("https://www.textualize.io", "")
    assert "http" not in drawn
    assert "openai-f0a3b6" in drawn.replace("&#160;", " ")
