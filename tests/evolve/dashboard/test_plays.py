"""The plays of the gate and the episodes, step by step."""

import pytest
from made_archive import HOSTILE, METRIC, design
from made_gate import Made, gate_of, knowing

from alma_mcp.design_store import bundled_designs
from alma_mcp.evidence.dossier import Dossier
from evolve.book import Booked
from evolve.episode import Episode, EpisodeStep, Game
from evolve.episodes import Episodes
from evolve.evaluation import TaskResult

TASK = "doors/level 1#a?"


def episode(won, retrieved=("Push the rule first.",), goal="Reach the flag."):
    steps = (
        EpisodeStep("east", "The flag is near.", 0.0),
        EpisodeStep("(no action)", "Nothing happens: it was no action.", 0.0, "no action"),
        EpisodeStep("north", "You stand on it.", float(won)),
    )
    return Episode(
        Game("babaisai", "doors", 1, "doors"), "scripted", 0, goal, "A wall.", retrieved, steps, float(won), won
    )


@pytest.fixture
def played(person):
    """The opening of the made archive, with plays: a win, a tie, a loss; gives the id of the winner's episode."""
    episodes = Episodes(person.home.episodes)
    trace = episodes.keep("locomo", episode(won=True))
    with person.archive() as archive:
        sides = {"grandchild": (1.0, 1.0, 0.0), "seed": (0.0, 1.0, 1.0)}
        for name, scores in sides.items():
            book = archive.book(design(name).id, "locomo", "gate#1")
            for task, score in zip((TASK, "tied", "lost"), scores, strict=True):
                number = trace if task == TASK and name == "grandchild" else ""
                failed = "KeyError: 'x'" if task == "lost" and name == "grandchild" else ""
                book.keep(Booked(TaskResult(task, task, {METRIC: score}, 321, 12.0, failed, trace=number)))
        book = archive.book(design("grandchild").id, "locomo", "gate#1")
        book.keep(Booked(TaskResult(f"{TASK} [empty]", TASK, {METRIC: 0.25}, 0, 0.0)))
        book.keep(Booked(TaskResult("alone", "alone", {METRIC: 1.0}, 0, 0.0)))
    return trace


def test_an_opening_lists_every_task_with_what_came_of_it_losses_first(pages, played):
    source = pages.source("/evolution/plays/1")
    places = [source.index(f"<code>{each}</code>") for each in ("lost", TASK, "tied", "alone")]
    assert places == sorted(places)
    words = pages.reads("/evolution/plays/1")
    for said in ("Won 1 of 4 tasks", "Tied 1", "Lost 1", "not compared", "+1.000", "-1.000", "grandchild against"):
        assert said in words


def test_the_link_of_a_dossier_leads_to_the_play_whatever_its_name(pages, played):
    path = Dossier.plays(Dossier.model_construct(opening_id=1), TASK)
    assert path in pages.links("/evolution/plays/1")
    assert TASK in pages.reads(path)


async def test_what_a_gate_has_played_is_found_by_the_link_of_its_dossier(pages, person, laboratory):
    benchmark = Made(tasks=4)
    with person.archive() as archive:
        champion = bundled_designs()["no_memory"]
        dossier = await gate_of(archive, benchmark, laboratory).open(knowing(*benchmark.ids), champion, "test")
    words = pages.reads(dossier.plays("t00"))
    assert "found 1.000" in words.partition("Champion")[0]
    assert "found 0.000" in words.partition("Champion")[2]
    assert "no memory 0.000" in words.partition("under controls")[2]


def test_a_play_shows_both_sides_what_memory_gave_and_every_step(pages, played):
    words = pages.reads(Dossier.plays(Dossier.model_construct(opening_id=1), TASK))
    challenger, champion = words.index("Challenger"), words.index("Champion")
    assert challenger < words.index("Push the rule first.") < words.index("You stand on it.") < champion
    for said in ("recall@10 1.000", "321 tokens in 12 ms", "1 east The flag is near.", "score 1.00", "win"):
        assert said in words
    assert "won in 3 steps, reward 1.00" in words
    assert "it has no trajectory to show" in words[champion:]
    assert "The same task under controls" in words
    assert "empty 0.250" in words
    assert "Next task" in words


def test_a_failure_is_told_as_the_designs_own(pages, played):
    assert "its own fault KeyError: 'x'" in pages.reads("/evolution/plays/1/lost")


def test_a_side_that_did_not_play_says_so(pages, played):
    assert "This side did not play it." in pages.reads("/evolution/plays/1/alone")


def test_an_episode_stands_on_a_page_of_its_own(pages, played):
    words = pages.reads(f"/evolution/episodes/{played}")
    assert "babaisai: doors, level seed 1" in words
    assert "Goal: Reach the flag." in words
    assert "What memory gave: 1 item" in words


def test_what_a_game_or_a_memory_says_is_text_and_nothing_else(pages, person):
    trace = Episodes(person.home.episodes).keep("locomo", episode(won=False, retrieved=(HOSTILE,), goal=HOSTILE))
    source = pages.source(f"/evolution/episodes/{trace}")
    assert "<script>alert" not in source
    assert "\x1b" not in source


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/evolution/plays/99", "has no opening 99"),
        ("/evolution/plays/1/nothing", "has no plays of 'nothing'"),
        ("/evolution/episodes/nothing", "There is no single episode 'nothing'"),
    ],
)
def test_what_is_not_there_is_a_sentence(pages, played, path, sentence):
    assert sentence in pages.reads(path, 404)


def test_an_opening_that_ended_before_its_first_task_says_so(pages):
    assert "Nothing was played in this opening" in pages.reads("/evolution/plays/1")


def test_without_an_archive_there_are_no_plays(empty_pages):
    assert "no opening 1" in empty_pages.reads("/evolution/plays/1", 404)
