"""The scripted MiniHack agent walks, fights and pushes by itself; what helps against what, memory tells it."""

from evolve.agents import Situation, Turn
from evolve.agents.scripted.minihack import READER, choose

MOVES = ("north", "east", "south", "west", "northeast", "southeast", "southwest", "northwest")
QUEST = (*MOVES, *(f"far {way}" for way in MOVES), "apply", "kick", "search", "zap")
ITEMS = "a: a long sword (weapon in hand)\ng: a horn\nh: a brass wand"


def seen(drawn: str, message: str = "", items: str = ITEMS) -> str:
    """An observation of a map whose top left is (10, 5); `@` is the player."""
    rows = drawn.strip("\n").splitlines()
    x, y = next((row.index("@"), number) for number, row in enumerate(rows) if "@" in row)
    joined = "\n".join(rows)
    return (
        f"message:\n{message}\n\nlanguage observation:\n\n\ncursor:\nYourself\n(x={10 + x}, y={5 + y})\n\n"
        f"map (top left is x=10, y=5):\n{joined}\n\nstatistics:\nHP:9(9)\n\ninventory:\n{items}"
    )


def chosen(observation: str, actions=QUEST, memory=(), history=(), first="", goal="Reach the stairs.", seed=0) -> str:
    return choose(
        Situation("minihack", goal, first or observation, observation, actions, tuple(memory), tuple(history), seed)
    )


def episode(first: str, *turns: tuple[str, str], outcome: str = "won in 7 steps") -> str:
    said = "".join(f"\nagent: {action}\nenvironment: {after}" for action, after in turns)
    return f"Reach the stairs.\nenvironment: {first}{said}\n{outcome}"


LAVA = """
-----
|@}.|
-----"""
COOLED = """
-----
|@..|
-----"""
ZAPPED = episode(
    seen(LAVA),
    ("zap", seen(LAVA, "What do you want to zap? [h or ?*]")),
    ("h", seen(LAVA, "In what direction?")),
    ("east", seen(COOLED, "The lava cools and solidifies.")),
)


def test_it_walks_to_the_stairs_in_sight():
    assert chosen(seen("-----\n|.@.|\n|>..|\n-----")) == "southwest"


def test_it_goes_far_where_the_way_is_straight():
    drawn = "--------\n|@....>|\n--------"
    assert chosen(seen(drawn)) == "far east"
    assert chosen(seen(drawn), actions=MOVES) == "east"


def test_it_strikes_what_stands_beside_it():
    assert chosen(seen("-----\n|.r.|\n|.@>|\n-----")) == "north"


def test_it_leaves_alone_what_the_game_asks_about():
    drawn = "-----\n|.h.|\n|.@>|\n-----"
    asked = seen(drawn, "Really attack the dwarf?")
    assert chosen(asked, actions=("y", "n", "esc"), first=seen(drawn), history=[Turn("north", asked)]) == "esc"
    past = [Turn("north", asked), Turn("esc", seen(drawn))]
    assert chosen(seen(drawn), first=seen(drawn), history=past) == "east"


def test_it_explores_the_nearest_edge_of_what_is_known():
    assert chosen(seen("------\n|..@.\n------")) == "east"


def test_it_does_not_walk_diagonally_through_a_door():
    assert chosen(seen("-------\n|.|...|\n|.-@..|\n|.|...|\n-------\n"), actions=MOVES) != "northwest"


def test_it_never_walks_into_lava():
    assert chosen(seen(LAVA)) not in MOVES


def test_without_memory_it_tries_what_there_is_in_the_order_given():
    first = seen(LAVA)
    assert chosen(first) == "apply"
    tried = [Turn("apply", seen(LAVA, "What do you want to use? [g or ?*]")), Turn("esc", seen(LAVA))]
    assert chosen(first, history=tried) == "kick"


def test_a_remedy_that_memory_saw_work_is_tried_first():
    assert chosen(seen(LAVA), memory=[ZAPPED]) == "zap"


def test_a_remedy_counts_although_its_episode_was_lost():
    assert chosen(seen(LAVA), memory=[ZAPPED.replace("won in 7 steps", "not won in 9 steps, score 0")]) == "zap"


def test_a_remedy_that_changed_nothing_teaches_nothing():
    idle = episode(seen(LAVA), ("kick", seen(LAVA, "In what direction?")), ("east", seen(LAVA, "Ouch!")))
    assert chosen(seen(LAVA), memory=[idle]) == "apply"


def test_the_kind_of_thing_that_helped_is_used_again_whatever_its_letter():
    asked = seen(LAVA, "What do you want to zap? [cj or ?*]", "c: an oak wand (0:0)\nj: a horn")
    answer = chosen(asked, ("c", "j", "esc"), [ZAPPED], [Turn("zap", asked)], seen(LAVA))
    assert answer == "c"


def test_a_direction_is_that_of_the_obstacle():
    asked = seen(LAVA, "In what direction?")
    assert chosen(asked, (*MOVES, "esc"), [ZAPPED], [Turn("kick", asked)], seen(LAVA)) == "east"


def test_against_a_locked_door_memory_tells_which_action_helps():
    door = "-----\n|..@+\n-----"
    actions = (*MOVES, "open", "kick", "search")
    bumped = [Turn("east", seen(door, "This door is locked."))]
    assert chosen(seen(door), actions, history=bumped) == "open"
    assert chosen(seen(door), actions, ["closed door: kick"], bumped) == "kick"


def test_where_won_episodes_ended_is_where_it_explores():
    dark = "   \n.@.\n   "
    assert chosen(seen(dark)) == "east"
    ended = [episode(seen(dark), ("west", seen("@    .\n"))), "end: (x=9, y=6)"]
    assert chosen(seen(dark), memory=ended) == "west"


def test_lost_episodes_and_ends_that_disagree_lead_nowhere():
    dark = "   \n.@.\n   "
    lost = episode(seen(dark), ("west", seen("@    .\n")), outcome="not won in 100 steps, score 0")
    assert chosen(seen(dark), memory=[lost]) == "east"
    assert chosen(seen(dark), memory=["end: (x=1, y=6)", "end: (x=70, y=6)"]) == "east"


def test_whether_it_draws_back_from_several_monsters_memory_tells_and_chance_otherwise():
    crowd = "------\n##@rr|\n  |..|\n------"
    assert chosen(seen(crowd), seed=0) == "east"
    assert chosen(seen(crowd), seed=1) == "west"
    assert chosen(seen(crowd), seed=0, memory=["fight: narrow"]) == "west"
    assert chosen(seen(crowd), seed=1, memory=["fight: open"]) == "east"


def test_it_pushes_boulders_home():
    drawn = ["#######", "#.....#", "#.`.{.#", "#..@..#", "#.....#", "#######"]
    first = observation = seen("\n".join(drawn))
    history: list[Turn] = []
    while any("{" in row for row in drawn) and len(history) < 20:
        action = chosen(observation, MOVES[:4], history=history, first=first, goal="You are playing Boxoban.")
        drawn = pushed(drawn, action)
        observation = seen("\n".join(drawn))
        history.append(Turn(action, observation))
    assert [turn.action for turn in history] == ["west", "west", "north", "east", "east"]


def test_it_answers_whatever_it_is_shown():
    for words in ("", "You die...", "message:\n\n\nmap (top left is x=1, y=1):\n@\n\n", "(x=3, y=4)"):
        assert chosen(words, MOVES, memory=["won in 3 steps", "agent: up", "environment: \nagent: \nwon in 1 steps"])


def test_the_same_situation_gives_the_same_action():
    assert len({chosen(seen(LAVA), memory=[ZAPPED]) for _ in range(3)}) == 1
    assert "won in" in READER


def pushed(drawn: list[str], action: str) -> list[str]:
    """The map after a step, with the rules of Boxoban."""
    dx, dy = {"north": (0, -1), "east": (1, 0), "south": (0, 1), "west": (-1, 0)}[action]
    rows = [list(row) for row in drawn]
    y, x = next((y, row.index("@")) for y, row in enumerate(rows) if "@" in row)
    if rows[y + dy][x + dx] == "`" and rows[y + 2 * dy][x + 2 * dx] in ".{":
        rows[y + 2 * dy][x + 2 * dx], rows[y + dy][x + dx] = "`", "."
    if rows[y + dy][x + dx] in ".{":
        rows[y][x], rows[y + dy][x + dx] = ".", "@"
    return ["".join(row) for row in rows]
