"""The scripted Baba agent walks and pushes by itself; which plan wins in which level, memory tells it."""

from evolve.agents import Situation, Turn
from evolve.agents.scripted.babaisai import READER, choose
from evolve.agents.scripted.babaisai_map import scene

ACTIONS = ("idle", "up", "right", "down", "left")
NAMES = {"b": "baba", "o": "ball", "#": "wall", "B": "BABA", "O": "BALL", "H": "WALL", "=": "IS", "Y": "YOU"}
NAMES |= {"W": "WIN", "S": "STOP"}


def seen(drawn: str, *rules: str) -> str:
    """The observation of a map; the first `b` is YOU."""
    rows = drawn.split()
    marked = [(NAMES[mark], x, y) for y, row in enumerate(rows) for x, mark in enumerate(row) if mark != "."]
    _, you_x, you_y = next(each for each in marked if each[0] == "baba")
    told = [_told(word, x - you_x, y - you_y) for word, x, y in marked if (word, x, y) != ("baba", you_x, you_y)]
    return "Active rules:\n" + "\n".join(rules) + "\n\nObjects on the map:\n" + "\n".join(told)


def _told(word: str, across: int, down: int) -> str:
    ways = [
        f"{abs(count)} step{'s' if abs(count) > 1 else ''} {way}"
        for count, way in (
            (across, "to the right" if across > 0 else "to the left"),
            (down, "down" if down > 0 else "up"),
        )
        if count
    ]
    return f"{f'rule `{word.lower()}`' if word.isupper() else word} {' and '.join(ways) or 'at your place'}"


def chosen(observation: str, memory=(), history=()) -> str:
    now = history[-1].observation if history else observation
    return choose(Situation("babaisai", "Win.", observation, now, ACTIONS, tuple(memory), tuple(history)))


def episode(*rules: tuple[str, ...], outcome: str = "won in 7 steps") -> str:
    """An episode in which these rules were seen one after another."""
    told = "\nagent: up\n".join("environment: " + seen("b.o", *each) for each in rules)
    return f"Win.\n{told}\n{outcome}"


YOU = "baba is you"
PLAIN = ".......\n.b....o\n.......\nB=Y...O\nO=W...."
TO_MAKE = "..=W...\n.......\n.o.....\n.O..b..\nB=Y...."
NEAR = "..=W...\n.......\n......o\n.O..b..\nB=Y...."
MADE = episode((YOU,), (YOU, "ball is win"))
BROKEN = episode((YOU, "wall is stop", "ball is win"), (YOU, "ball is win"))
TOUCHED = episode((YOU, "ball is win"), (YOU, "ball is win"))
BEHIND = "......#...\nH=S...#...\n......#...\n....b.#..o\n......#...\nB=Y...#O=W"


def test_the_map_is_pictured_from_the_text():
    now = scene(seen("B=Y\n...\nb.o", YOU))
    assert dict(zip(now.words, now.places, strict=True))["ball"] == (2, 2)
    assert now.rules == (("baba", "you"),)
    assert now.far == (2, 2)


def test_it_walks_to_what_is_win():
    assert chosen(seen(PLAIN, YOU, "ball is win")) == "right"


def test_without_memory_it_goes_to_touch_things_first():
    assert chosen(seen(TO_MAKE, YOU)) in {"left", "up"}
    assert chosen(seen(NEAR, YOU)) in {"right", "up"}


def test_a_memory_of_a_rule_that_was_made_lets_it_push_at_once():
    assert chosen(seen(NEAR, YOU), [MADE]) in {"left", "down"}


def test_without_memory_it_first_goes_towards_what_is_win_behind_the_wall():
    assert chosen(seen(BEHIND, YOU, "wall is stop", "ball is win")) == "right"


def test_a_memory_of_a_broken_rule_lets_it_break_it_first():
    assert chosen(seen(BEHIND, YOU, "wall is stop", "ball is win"), [BROKEN]) in {"up", "left"}


def test_a_misleading_memory_misleads():
    assert chosen(seen(NEAR, YOU), [TOUCHED]) in {"right", "up"}
    assert chosen(seen(BEHIND, YOU, "wall is stop", "ball is win"), [TOUCHED]) == "right"


def test_an_episode_that_was_not_won_teaches_nothing():
    lost = MADE.replace("won in 7 steps", "not won in 20 steps, score 0.00")
    assert chosen(seen(NEAR, YOU), [lost]) == chosen(seen(NEAR, YOU))


def test_episodes_that_began_alike_count_more():
    assert chosen(seen(NEAR, YOU), [TOUCHED, TOUCHED, MADE]) == chosen(seen(NEAR, YOU), [MADE])
    assert chosen(seen(NEAR, YOU), [TOUCHED] * 4 + [MADE]) == chosen(seen(NEAR, YOU), [TOUCHED])


def test_a_lesson_in_words_counts_as_the_reader_says():
    assert "plan: STEP, STEP" in READER
    assert chosen(seen(NEAR, YOU), ["- plan: make win"]) == chosen(seen(NEAR, YOU), [MADE])
    assert chosen(seen(NEAR, YOU), ["plan with nothing: make win", "plan with stop: touch"]) == chosen(
        seen(NEAR, YOU), [MADE]
    )
    assert chosen(seen(NEAR, YOU), ["plan: dance", "A plan: make win, they say."]) == chosen(seen(NEAR, YOU))


def test_it_goes_on_to_another_plan_when_touching_did_nothing():
    first = seen("..=W\n....\n.O..\nbo..\nB=Y.", YOU)
    there = seen("..=W\n....\n.O..\n.b..\nB=Y.", YOU) + "\nball at your place"
    assert chosen(first) == "right"
    assert chosen(first, history=[Turn("right", there)]) == "up"


def test_the_same_situation_gives_the_same_step_and_nonsense_gives_one_too():
    told = seen(BEHIND, YOU, "wall is stop", "ball is win")
    assert len({chosen(told, [BROKEN, MADE]) for _ in range(3)}) == 1
    assert chosen("no map at all", ["environment: \nagent:\nwon in"]) == "idle"
    assert chosen("Active rules:\n\n\nObjects on the map:\nNothing is YOU any more.") == "idle"
