"""Baba Is AI: the rules, the text, the published levels and the proof that each can be won."""

import lines
import pytest
from baba_game import Baba
from baba_levels import LEVELS, LIMIT, level
from baba_rules import World
from baba_solver import solve
from baba_text import observation

MARKS = {"b": "baba", "o": "ball", "k": "key", "#": "wall", "B": "BABA", "O": "BALL", "K": "KEY", "H": "WALL"}
MARKS |= {"=": "IS", "Y": "YOU", "W": "WIN", "S": "STOP", "P": "PUSH"}
PUBLISHED = [
    "make_win-distr_obj_rule",
    "goto_win-distr_obj_rule",
    "goto_win",
    "goto_win-distr_obj",
    "goto_win-distr_rule",
    "goto_win-distr_obj-irrelevant_rule",
    "make_win-distr_obj",
    "make_win-distr_rule",
    "make_win",
    "make_win-distr_obj-irrelevant_rule",
    "two_room-goto_win",
    "two_room-goto_win-distr_obj_rule",
    "two_room-goto_win-distr_rule",
    "two_room-goto_win-distr_obj",
    "two_room-goto_win-distr_obj-irrelevant_rule",
    "two_room-goto_win-distr_win_rule",
    "two_room-break_stop-goto_win-distr_obj_rule",
    "two_room-break_stop-goto_win-distr_obj",
    "two_room-break_stop-goto_win-distr_rule",
    "two_room-break_stop-goto_win-distr_obj-irrelevant_rule",
    "two_room-break_stop-goto_win",
    "two_room-maybe_break_stop-goto_win-distr_obj_rule",
    "two_room-maybe_break_stop-goto_win",
    "two_room-maybe_break_stop-goto_win-distr_obj",
    "two_room-maybe_break_stop-goto_win-distr_rule",
    "two_room-maybe_break_stop-goto_win-distr_obj-irrelevant_rule",
    "two_room-make_win-distr_obj_rule",
    "two_room-make_win-distr_rule",
    "two_room-make_win",
    "two_room-make_win-distr_obj-irrelevant_rule",
    "two_room-make_win-distr_obj",
    "two_room-make_win-distr_win_rule",
    "two_room-break_stop-make_win-distr_obj_rule",
    "two_room-break_stop-make_win-distr_rule",
    "two_room-break_stop-make_win",
    "two_room-break_stop-make_win-distr_obj-irrelevant_rule",
    "two_room-break_stop-make_win-distr_obj",
    "two_room-make_you",
    "two_room-make_you-make_win",
    "two_room-make_wall_win",
]


def world(drawn: str) -> World:
    """A map of these rows, with a border around them."""
    rows = drawn.split()
    placed = [(MARKS[mark], x, y) for y, row in enumerate(rows, 1) for x, mark in enumerate(row, 1) if mark != "."]
    return World.of(len(rows[0]) + 2, len(rows) + 2, placed)


def after(start: World, *actions: str) -> World:
    for action in actions:
        start = start.after(action)
    return start


def test_rules_are_read_to_the_right_and_downwards_and_never_backwards():
    assert set(world("B=Y .=. .S.").rules) == {("baba", "you")}
    assert set(world("B=Y =.. S..").rules) == {("baba", "you"), ("baba", "stop")}
    assert world("Y=B").rules == ()


def test_a_noun_that_is_a_noun_is_no_rule():
    assert world("B=O").rules == ()


def test_what_is_you_walks_and_the_border_holds():
    start = world("B=Y b..")
    assert after(start, "right").placed[-1] == ("baba", 2, 2)
    assert after(start, "left") == start
    assert after(start, "idle") == start


def test_text_is_pushed_in_a_row_and_not_out_of_the_map():
    start = world("B=Y.... bOK=...")
    assert [each[1] for each in after(start, "right").placed if each[2] == 2] == [2, 3, 4, 5]
    stuck = world("B=Y. bOK=")
    assert after(stuck, "right") == stuck


def test_a_broken_rule_stops_counting():
    start = world("B=Y... ...... H=S... .b.#.. ......")
    assert after(start, "right", "right").placed == after(start, "right").placed
    broken = after(start, "up", "down")
    assert broken.rules == (("baba", "you"),)
    assert ("baba", 4, 4) in after(broken, "right", "right").placed


def test_things_are_walked_over_unless_they_are_stop_and_pushed_if_they_are_push():
    walked = after(world("B=Y. bo.."), "right")
    assert {word for word, x, y in walked.placed if (x, y) == (2, 2)} == {"ball", "baba"}
    stopped = world("B=Y. O=S. bo..")
    assert after(stopped, "right") == stopped
    pushed = after(world("B=Y. O=P. bo.."), "right")
    assert ("ball", 3, 3) in pushed.placed


def test_a_rule_that_is_made_wins_for_whoever_stands_there():
    start = world("B=Y..... bO.=W... ...o....")
    assert start.after("right").rules == (("baba", "you"), ("ball", "win"))
    assert not start.after("right").won
    assert after(start, "right", "down", "right", "right").won


def test_all_that_is_you_moves_at_once():
    both = after(world("B=Y. bb.."), "right")
    assert [x for word, x, _ in both.placed if word == "baba"] == [2, 3]


def test_who_is_you_can_change_in_one_push():
    start = world("b.. O.. B=Y ... o..")
    changed = after(start, "down")
    assert changed.rules == (("ball", "you"),)
    assert not changed.lost


def test_nothing_is_you_any_more_and_that_is_the_end():
    start = world(".b. B=Y ... ...")
    lost = after(start, "down")
    assert lost.lost
    assert observation(lost.rules, lost.placed).endswith("Nothing is YOU any more.")


def test_the_text_tells_rules_and_distances_with_their_plurals():
    start = world("B=Y.. H...o ...b. #....")
    assert observation(start.rules, start.placed) == (
        "Active rules:\nbaba is you\n\nObjects on the map:\n"
        "rule `baba` 3 steps to the left and 2 steps up\n"
        "rule `is` 2 steps to the left and 2 steps up\n"
        "rule `you` 1 step to the left and 2 steps up\n"
        "rule `wall` 3 steps to the left and 1 step up\n"
        "ball 1 step to the right and 1 step up\n"
        "wall 3 steps to the left and 1 step down"
    )


def test_what_lies_under_you_is_told():
    start = after(world("B=Y bo."), "right")
    assert "ball at your place" in observation(start.rules, start.placed)


def test_the_solver_finds_the_shortest_way_and_none_where_there_is_none():
    assert solve(world("B=Y. O=W. b..o"), LIMIT) == ("right", "right", "right")
    assert solve(world("B=Y.. O=W.. H=S.. b.#o. ..##."), 3) is None


def test_exactly_the_forty_published_levels_are_there():
    assert len(PUBLISHED) == 40
    assert set(LEVELS) == {f"env/{name}" for name in PUBLISHED}


@pytest.mark.parametrize("game", LEVELS)
def test_every_level_is_won_by_its_solution_within_the_limit(game):
    way = solve(level(game, 0), LIMIT)
    baba = Baba()
    state = baba.reset(game, 0)
    assert not state["done"]
    for action in way:
        assert not state["won"]
        state = baba.step(action)
    assert (state["score"], state["won"], state["done"]) == (1.0, True, True)
    assert 0 < len(way) <= LIMIT


def test_the_same_seed_draws_the_same_level_and_another_seed_another():
    level.cache_clear()
    drawn = level("env/two_room-goto_win", 5)
    level.cache_clear()
    assert level("env/two_room-goto_win", 5) == drawn
    assert level("env/two_room-goto_win", 6) != drawn


@pytest.mark.parametrize("game", [game for game in LEVELS if "break_stop-" in game and "maybe" not in game])
def test_behind_a_wall_that_stops_nothing_is_won_while_the_rule_holds(game):
    start = level(game, 1)
    assert ("wall", "stop") in start.rules
    world_now = start
    for action in solve(start, LIMIT):
        world_now = world_now.after(action)
    assert ("wall", "stop") not in world_now.rules


def test_a_state_says_what_the_protocol_wants():
    state = Baba().reset("env/goto_win", 2)
    assert state["actions"] == ["idle", "up", "right", "down", "left"]
    assert "IS WIN" in state["goal"]
    assert (state["score"], state["won"], state["done"]) == (0.0, False, False)
    assert state["observation"].startswith("Active rules:\n")


def test_an_action_that_there_is_not_is_answered_and_takes_no_time():
    baba = Baba()
    before = baba.reset("env/goto_win", 2)
    told = baba.step("jump")["observation"]
    assert told == f"There is no action 'jump'; there are: idle, up, right, down, left.\n\n{before['observation']}"


def test_after_the_end_nothing_moves():
    baba = Baba()
    baba.reset("env/goto_win", 0)
    for action in solve(level("env/goto_win", 0), LIMIT):
        ended = baba.step(action)
    assert [baba.step(action) for action in ("up", "right", "down", "left")] == [ended] * 4


def test_an_unknown_level_is_refused_with_those_there_are():
    with pytest.raises(lines.BadGame, match="two_room-make_wall_win"):
        Baba().reset("env/nowhere", 0)
    with pytest.raises(lines.BadGame, match="reset first"):
        Baba().step("up")
