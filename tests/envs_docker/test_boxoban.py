"""Our own Boxoban levels have the published shape, and each can be solved in an episode's steps."""

from collections import Counter

import pytest
from boxoban import boxoban_levels
from boxoban_solver import Puzzle, solve

STEPS = 100


@pytest.mark.parametrize("seed", range(5))
def test_a_level_is_ten_rows_of_ten_with_four_boxes_four_goals_and_a_closed_wall(seed):
    for level in boxoban_levels(seed, 2):
        rows = level.split("\n")
        assert [len(row) for row in rows] == [10] * 10
        count = Counter(level.replace("\n", ""))
        assert (count["$"], count["."], count["@"]) == (4, 4, 1)
        assert set(count) == set("# $.@")
        assert {rows[0], rows[-1], "".join(row[0] for row in rows), "".join(row[-1] for row in rows)} == {"#" * 10}


@pytest.mark.parametrize("seed", range(5))
def test_every_level_is_solved_by_moves_that_are_played_out(seed):
    for level in boxoban_levels(seed, 2):
        puzzle = Puzzle.parse(level)
        moves = solve(puzzle)
        assert len(moves) <= STEPS
        walls = {cell for cell, mark in enumerate(level.replace("\n", "")) if mark == "#"}
        boxes, player = set(puzzle.boxes), puzzle.player
        for move in moves:
            player += move
            if player in boxes:
                boxes = boxes - {player} | {player + move}
            assert len(boxes) == 4
            assert player not in walls
            assert walls.isdisjoint(boxes)
        assert boxes == puzzle.goals


def test_the_same_seed_makes_the_same_levels_whatever_the_count():
    assert boxoban_levels(3, 3)[:2] == boxoban_levels(3, 2)
    assert len({*boxoban_levels(3, 4), *boxoban_levels(4, 4)}) == 8


def test_a_level_is_written_as_it_was_read_boxes_on_goals_too():
    level = "\n".join(["#" * 10, "#+$.  *  #", "#  $ $   #", *["#        #"] * 6, "#" * 10])
    assert str(Puzzle.parse(level)) == level


def test_a_box_in_a_corner_is_not_solved():
    level = "\n".join(["#" * 10, "#$   . @ #", *["#        #"] * 7, "#" * 10])
    assert solve(Puzzle.parse(level)) is None
