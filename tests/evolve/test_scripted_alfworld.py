import random

import pytest

from evolve.agents import Situation, Turn
from evolve.agents.scripted.alfworld import READER, choose
from evolve.agents.scripted.alfworld_memory import whereabouts

KITCHEN = {
    "cabinet 1": [],
    "countertop 1": ["mug 1", "knife 1"],
    "drawer 1": ["fork 1"],
    "fridge 1": ["apple 1"],
    "microwave 1": [],
    "shelf 1": ["apple 2", "cd 1"],
    "sidetable 1": ["desklamp 1"],
    "sinkbasin 1": [],
}
CLOSED = ("cabinet 1", "drawer 1", "fridge 1", "microwave 1")
TREATMENTS = {"microwave 1": "heat", "fridge 1": "cool", "sinkbasin 1": "clean"}


class Room:
    """A small kitchen with ALFWorld's words; `verb` and `to` are how its grammar puts things down."""

    def __init__(self, verb="move", to="to"):
        self.verb, self.to = verb, to
        self.inside = {place: list(things) for place, things in KITCHEN.items()}
        self.closed, self.here, self.held, self.done = set(CLOSED), "", "", []
        places = ", ".join(f"a {place}" for place in KITCHEN)
        self.first = f"You are in the middle of a room. Looking quickly around you, you see {places}."

    def actions(self):
        found = [f"go to {place}" for place in KITCHEN if place != self.here] + ["inventory", "look"]
        if not self.here:
            return found
        if self.here in self.closed:
            found.append(f"open {self.here}")
        elif self.held:
            found.append(f"{self.verb} {self.held} {self.to} {self.here}")
        else:
            found += [f"take {thing} from {self.here}" for thing in self.inside[self.here] if "lamp" not in thing]
        if self.held and self.here in TREATMENTS:
            found.append(f"{TREATMENTS[self.here]} {self.held} with {self.here}")
        if self.here == "sidetable 1":
            found.append("use desklamp 1")
        return found

    def step(self, action):
        assert action in self.actions()
        self.done.append(action)
        words = action.split()
        if words[0] == "go":
            self.here = " ".join(words[2:])
            return f"You arrive at {self.here}. {self.look()}"
        if words[0] == "open":
            self.closed.discard(self.here)
            return f"You open the {self.here}. {self.look()}"
        thing = " ".join(words[1:3])
        if words[0] == "take":
            self.inside[self.here].remove(thing)
            self.held = thing
            return f"You pick up the {thing} from the {self.here}."
        if words[0] == self.verb:
            self.inside[self.here].append(thing)
            self.held = ""
            return f"You {self.verb} the {thing} {self.to} the {self.here}."
        if words[0] in TREATMENTS.values():
            return f"You {words[0]} the {thing} using the {self.here}."
        return "Nothing happens."

    def look(self):
        if self.here in self.closed:
            return f"The {self.here} is closed."
        things = ", ".join(f"a {thing}" for thing in self.inside[self.here]) or "nothing"
        if self.here in CLOSED:
            return f"The {self.here} is open. In it, you see {things}."
        return f"On the {self.here}, you see {things}."


def play(goal, memory=(), steps=25, room=None):
    room = room or Room()
    observation, history = room.first, ()
    for _ in range(steps):
        seen = Situation("alfworld", goal, room.first, observation, tuple(room.actions()), tuple(memory), history)
        action = choose(seen)
        observation = room.step(action)
        history += (Turn(action, observation),)
    return room


def first_goal(memory, goal="put a mug in fridge."):
    return play(goal, memory, steps=1).done[0]


@pytest.mark.parametrize(("verb", "to"), [("move", "to"), ("put", "in/on")])
def test_a_thing_is_found_and_put_away_in_either_grammar(verb, to):
    room = play("put a mug in drawer.", room=Room(verb, to))
    assert "mug 1" in room.inside["drawer 1"]


@pytest.mark.parametrize(
    ("goal", "treatment"),
    [
        ("heat some apple and put it in countertop.", "heat apple 1 with microwave 1"),
        ("put a hot apple in countertop.", "heat apple 1 with microwave 1"),
        ("cool some apple and put it in countertop.", "cool apple 1 with fridge 1"),
        ("put a cool apple in countertop.", "cool apple 1 with fridge 1"),
        ("clean some apple and put it in countertop.", "clean apple 1 with sinkbasin 1"),
        ("put a clean apple in countertop.", "clean apple 1 with sinkbasin 1"),
    ],
)
def test_a_thing_is_treated_before_it_is_brought(goal, treatment):
    room = play(goal)
    assert room.done.index(treatment) < room.done.index("move apple 1 to countertop 1")


@pytest.mark.parametrize("goal", ["put two apple in drawer.", "find two apple and put them in drawer."])
def test_two_things_are_brought_to_the_same_place(goal):
    assert {"apple 1", "apple 2"} <= set(play(goal).inside["drawer 1"])


@pytest.mark.parametrize("goal", ["look at cd under the desklamp.", "examine the cd with the desklamp."])
def test_a_thing_is_carried_to_the_lamp(goal):
    done = play(goal).done
    assert done.index("take cd 1 from shelf 1") < done.index("use desklamp 1")


def test_the_task_may_stand_in_the_first_observation_only():
    room = Room()
    room.first += "\n\nYour task is to: put a mug in drawer."
    assert "mug 1" in play("", room=room).inside["drawer 1"]


def test_without_memory_places_are_searched_in_the_order_of_the_room():
    went = [action for action in play("put a cd in fridge.", steps=8).done if action.startswith("go to")]
    assert went[:4] == ["go to cabinet 1", "go to countertop 1", "go to drawer 1", "go to microwave 1"]


@pytest.mark.parametrize(
    "memory",
    [
        "mug: shelf",
        "- Mug: shelf, sofa",
        "environment: You arrive at shelf 3. On the shelf 3, you see a mug 2, and a cd 1.",
        "agent: take mug 1 from shelf 2",
        "put a mug in desk.\nagent: go to shelf 2\nenvironment: On the shelf 2, you see a mug 1.\nwon in 4 steps",
    ],
)
def test_memory_says_where_to_look_first(memory):
    assert first_goal([memory]) == "go to shelf 1"


@pytest.mark.parametrize("memory", ["plate: shelf", "The mug was on a shelf: I saw it there.", "shelf: mug", "", "::"])
def test_what_the_rules_do_not_cover_changes_nothing(memory):
    assert first_goal([memory]) == "go to cabinet 1"


def test_what_an_agent_put_down_itself_is_no_sight():
    text = "agent: move mug 1 to shelf 1\nenvironment: On the shelf 1, you see a mug 1."
    assert not whereabouts([text]).sights


def test_an_open_receptacle_in_memory_counts_like_a_table():
    memory = "environment: You open the drawer 7. The drawer 7 is open. In it, you see a mug 1."
    assert first_goal([memory]) == "go to drawer 1"


def test_places_where_it_was_looked_for_in_vain_come_last():
    memory = (
        "environment: On the cabinet 2, you see nothing.\nenvironment: The cabinet 1 is open. In it, you see a cd 1."
    )
    assert first_goal([memory]) == "go to countertop 1"


def test_a_sight_counts_once_in_a_text_however_often_it_is_told():
    text = "On the shelf 1, you see a mug 1.\n" * 3 + "take mug 1 from shelf 1"
    assert whereabouts([text]) == whereabouts(["take mug 1 from shelf 1"])
    assert whereabouts([text, text]).sights["mug", "shelf"] == 2


def test_the_published_rules_name_each_form_of_memory():
    for form in ("you see", "In it, you see", "take THING", "THING: PLACE"):
        assert form in READER


def test_a_step_that_changes_nothing_is_not_done_three_times_in_a_row():
    seen = Situation("alfworld", "put a mug in drawer.", Room().first, "Nothing happens.", ("go to cabinet 1", "look"))
    turns = (Turn("go to cabinet 1", "Nothing happens."),) * 2
    assert choose(seen) == "go to cabinet 1"
    assert choose(Situation(seen.domain, seen.goal, seen.first, seen.observation, seen.actions, (), turns)) == "look"


def test_any_text_gets_an_admissible_action_or_look():
    chance = random.Random(7)
    words = ["you", "see", "a", "mug", "1", "the", "is", "open.", "In", "it,", "take", "from", ":", "\n", "put", "two",
             "arrive", "at", "On", "heat", "\0", "é", "-=", "()", "[", "task", "desklamp", "move", "to"]  # fmt: skip

    def garbage():
        return " ".join(chance.choices(words, k=chance.randrange(30)))

    for _ in range(300):
        actions = tuple(garbage() for _ in range(chance.randrange(4)))
        history = tuple(Turn(garbage(), garbage()) for _ in range(chance.randrange(5)))
        seen = Situation("alfworld", garbage(), garbage(), garbage(), actions, (garbage(), garbage()), history)
        assert choose(seen) in actions or (not actions and isinstance(choose(seen), str))
