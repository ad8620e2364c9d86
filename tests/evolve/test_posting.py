"""What a running search posts for whoever looks on from another process."""

import json
import os

import pytest
from made_archive import design, evaluation
from rich.console import Console

from alma_mcp.home import Home
from evolve.views.live import LiveView
from evolve.views.posting import Posting, place, posted, posting
from evolve.watching import Outlook, Spending


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def search(home, clock):
    """A search that tells, its view on the same clock."""
    view = LiveView(Console(quiet=True), clock=clock)
    search = Posting(view, place(home), clock)
    with view:
        search.begins(Outlook("locomo", "openai", 5, 10, 2))
        yield search


def test_what_is_posted_is_what_the_view_shows(search, home):
    search.spent(Spending(calls=3, most_calls=10))
    search.moves("1.3", "smoke", 1, 3)
    found = posted(home)
    assert found.pid == os.getpid()
    assert found.scene == search.view.scene()


def test_a_new_stage_and_an_end_are_posted_at_once_and_progress_once_a_second(search, home, clock):
    search.moves("1.3", "proxy", 1, 24)
    search.moves("1.3", "proxy", 2, 24)
    assert posted(home).scene.flights[0].done == 1
    clock.now += 1.0
    search.moves("1.3", "proxy", 3, 24)
    assert posted(home).scene.flights[0].done == 3
    search.moves("1.3", "search set", 0, 80)
    assert posted(home).scene.flights[0].stage == "search set"
    search.became("1.3", "good", evaluation(design("good"), {"a": 1.0}))
    assert posted(home).scene.flights == ()
    assert posted(home).scene.best.startswith("good 1.000")


def test_whoever_looks_later_sees_that_time_has_passed(search, home, clock):
    search.moves("1.3", "proxy")
    clock.now += 30.0
    search.became("1.3", "good", evaluation(design("good"), {"a": 1.0}))
    scene, now = posted(home).scene, posted(home).seen_at(clock.now + 10.0)
    assert now.elapsed == scene.elapsed + 10.0
    assert scene.left == 7 * 30.0
    assert now.left == scene.left - 10.0


def test_a_post_that_cannot_be_written_ends_no_search(tmp_path, clock):
    search = Posting(LiveView(Console(quiet=True)), tmp_path / "nowhere" / "search.json", clock)
    search.begins(Outlook("locomo", "openai", 5, 10, 2))
    search.moves("1.1", "smoke")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"pid": 1, "at": 2, "scene": {"flights": 3}}'])
def test_what_cannot_be_read_is_nothing(home, text):
    place(home).write_text(text)
    assert posted(home) is None


def test_the_post_goes_away_with_the_search(home):
    with posting(LiveView(Console(quiet=True)), home) as search:
        search.begins(Outlook("locomo", "openai", 5, 10, 2))
        assert json.loads(place(home).read_text())["scene"]["outlook"]["benchmark"] == "locomo"
    assert not place(home).exists()
