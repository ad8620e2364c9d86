"""MiniHack's screen as text, and the answers that its questions allow."""

import string

import pytest

from envs_docker.balrog.minihack_text import DIRECTIONS, answers, cut, joined


def test_the_map_is_cut_to_what_is_known():
    rows = [" " * 12, "     ---    ", "    |.@.|   ", "     ---    ", " " * 12]
    assert cut(rows) == (4, 1, [" ---", "|.@.|", " ---"])


def test_an_empty_map_is_empty():
    assert cut(["   ", ""]) == (0, 0, [])


def test_a_gap_inside_the_map_stays():
    assert cut([" .", "", "  ."]) == (1, 0, [".", "", " ."])


def test_messages_are_kept_in_order_and_said_once():
    heard = ["You hit the rat.--More--", "You hit the rat.", "", "You kill the rat!"]
    assert joined(heard) == "You hit the rat.\nYou kill the rat!"


def test_a_direction_is_answered_with_a_direction():
    assert list(answers("In what direction?")) == [*DIRECTIONS, "esc"]
    assert answers("In what direction?")["northwest"] == ord("y")


@pytest.mark.parametrize(
    ("question", "letters"),
    [
        ("What do you want to zap? [h or ?*]", "h"),
        ("What do you want to use or apply? [a-cgJ-K or ?*]", "abcgJK"),
        ("Really attack the dwarf? [yn] (n)", "yn"),
        ("What do you want to eat? [*]", ""),
        ("Call it what letter?", string.ascii_letters),
    ],
)
def test_a_question_is_answered_with_what_it_offers_or_taken_back(question, letters):
    assert "".join(answers(question)) == f"{letters}esc"
    assert answers(question)["esc"] == 27
