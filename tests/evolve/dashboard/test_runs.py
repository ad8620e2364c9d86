"""The page Runs."""

import json

from made_archive import design, evaluation
from rich.console import Console

from evolve.archive import Cost
from evolve.config import SearchSettings
from evolve.views.live import LiveView
from evolve.views.posting import Posting, place
from evolve.watching import Outlook, Spending


def post(home, pid):
    """What a search of that process tells: five of ten candidates through, one in flight."""
    posting = Posting(LiveView(Console(quiet=True)), place(home), lambda: 2_000_000.0)
    posting.begins(Outlook("locomo", "openai", 2, 10, 5))
    posting.became("seed good", "good", evaluation(design("good"), {"a": 1.0}))
    posting.spent(Spending(41, 9000, 3.5, most_calls=2000, most_dollars=20.0))
    posting.moves("2.1", "proxy", 9, 24)
    body = json.loads(place(home).read_text())
    place(home).write_text(json.dumps({**body, "pid": pid}))


def test_an_empty_home_says_how_a_search_is_started(empty_pages, nobody):
    words = empty_pages.reads("/runs")
    assert "No search has been run yet" in words
    assert "alma-evolve run --config configs/evolve/locomo.toml" in words
    assert not nobody.home.path.exists()


def test_a_run_says_how_far_it_is_what_it_found_and_what_it_spent(pages):
    words = pages.reads("/runs")
    for said in (
        "Run 1 on locomo", "not finished", "1 of 2", "grandchild , 0.800 [", "22 calls, 12,000 tokens",
        "at least $0.25", "10 episodes", "alma-evolve run --benchmark locomo --rounds 2", "no control was scored",
    ):  # fmt: skip
        assert said in words
    assert {"/runs/1", "/evolution?run=1", f"/evolution/designs/{design('grandchild').id}"} <= set(pages.links("/runs"))


def test_the_latest_run_is_first_and_a_finished_one_names_no_command(pages, person):
    with person.archive() as archive:
        run = archive.journal.begin(SearchSettings(benchmark="beam").model_dump_json(), 1, "beam")
        archive.journal.finish_round(run, 1)
    words = pages.reads("/runs")
    assert words.index("Run 2 on beam finished") < words.index("Run 1 on locomo not finished")
    assert "--benchmark beam" not in words


def test_a_run_is_shown_candidate_by_candidate(pages, person):
    with person.archive() as archive:
        run = archive.journal.run(1)
        archive.journal.record(run, "1.3", {"design": design("child").id, "outcome": "evaluated", "control": True})
        archive.journal.record(run, "1.4", {"proposal": {"source": "x = 1\n", "who": "gpt"}})
        archive.journal.spend(run, "seed seed", Cost("agent", "nano", episodes=30))
    words = pages.reads("/runs/1")
    assert "1.2 none rejected at proposal: no code" in words
    assert "1.3 child control 0.600 [" in words
    assert "1.4 none gpt in flight" in words
    assert "of it, seed seed 30 episodes" in words
    assert '"benchmark":"locomo"' in words


def test_a_run_that_is_not_there_is_a_sentence(pages, empty_pages):
    assert "This archive has no run 7" in pages.reads("/runs/7", 404)


def test_a_search_at_work_is_shown_with_each_candidate_in_flight_and_its_ceilings(pages, at_work, nobody):
    post(nobody.home, at_work)
    words = pages.reads("/runs")
    for said in (
        "A search is at work", "locomo , proposals by openai", "1 of 2 rounds, 5 of 10 candidates",
        "Best so far: good 1.000", "2.1 proxy 9 of 24", "41 of 2,000", "$3.50 of $20.00", "at work",
    ):  # fmt: skip
        assert said in words
    assert 'aria-label="2.1: proxy 9 of 24"' in pages.source("/runs")
    assert '<span class="badge">live</span>' in pages.source("/runs")
    assert "A search is at work; this page follows it" in pages.reads("/evolution")


def test_what_another_search_has_posted_before_is_not_shown(pages, at_work, nobody):
    post(nobody.home, at_work + 1)
    words = pages.reads("/runs")
    assert f"Process {at_work} is opening its benchmark" in words
    assert "2.1" not in words


def test_what_a_search_left_behind_is_not_shown(pages, nobody):
    post(nobody.home, 1)
    assert "A search is at work" not in pages.reads("/runs")


def test_the_button_stops_a_search_as_the_command_does(pages, at_work, nobody):
    answer = pages.presses("/runs", "/runs/stop")
    assert (answer.status_code, answer.headers["location"]) == (303, "/runs")
    assert (nobody.home.path / "stop-search").exists()
    words = pages.reads("/runs")
    assert f"The search of process {at_work} ends once what is in flight is through." in words
    assert "It was asked to end" in words
    assert 'action="/runs/stop"' not in pages.source("/runs")


def test_a_form_that_is_not_of_this_visit_stops_nothing(pages, at_work, nobody):
    assert pages.sends("/runs/stop", "csrf=guessed").status_code == 403
    assert not (nobody.home.path / "stop-search").exists()


def test_where_nothing_is_at_work_the_button_is_not_there_and_nothing_is_stopped(pages, nobody):
    source = pages.source("/runs")
    assert 'action="/runs/stop"' not in source
    csrf = source.partition('name="csrf" value="')[2].partition('"')[0]
    answer = pages.sends("/runs/stop", f"csrf={csrf}")
    assert answer.status_code == 400
    assert "No search is at work" in answer.text
    assert not (nobody.home.path / "stop-search").exists()
