import random

import pytest

from evolve.agents import Situation, Turn
from evolve.agents.scripted.textworld import READER, choose
from evolve.agents.scripted.textworld_memory import known
from evolve.agents.scripted.textworld_text import Exit, read_room

HUNT = "Your objective is to pick up the key from the safe."
COIN = "Your objective is to pick up the coin from the floor of the studio."
MEAL = "You are hungry! Let's cook a delicious meal. Check the cookbook in the kitchen for the recipe."
HALL = "-= Hall =-\nYou are in a hall.\n\nThere is an exit to the north. Don't worry, it is unblocked."
FORK = "-= Hall =-\nA hall.\n\nYou need an unblocked exit? You should try going north. There is an exit to the east."
RECIPE = (
    "You open the copy of 'Cooking' and start reading:\n\nRecipe #1\n---------\n\nIngredients:\n  pork chop\n\n"
    "Directions:\n  dice the pork chop\n  grill the pork chop\n  prepare meal"
)
KITCHEN = (
    "-= Kitchen =-\nA kitchen.\n\nYou see a fridge. You can make out an oven. You can make out a counter. "
    "On the counter you can make out a cookbook, a raw pork chop and a knife.\n\nThere is an exit to the east."
)
YARD = "-= Backyard =-\nA backyard.\n\nYou can see a BBQ, so there's that.\n\nThere is an exit to the west."


def act(goal, first, *turns, memory=(), actions=()):
    """What is done after `turns`, each an action and what was seen then."""
    history = tuple(Turn(action, seen) for action, seen in turns)
    now = history[-1].observation if history else first
    return choose(Situation("textworld", goal, first, now, tuple(actions), tuple(memory), history))


def test_a_room_is_read_with_its_exits_its_things_and_what_may_be_opened():
    room = read_room(
        "-= Vault =-\nA vault.\n\nYou see a locked chest here. You make out a table. On the table you see a "
        "raw egg and a type P key. The drawer contains a pen. Look over there! a box. Huh, weird.\n\n"
        "There is a closed oak door leading west. There is an unblocked exit to the south.\n\n"
        "There is a coin and an old shoe on the floor.\n\n\n"
    )
    assert room.title == "Vault"
    assert room.exits == (Exit("west", "oak door", closed=True), Exit("south"))
    assert {("egg", "table"), ("type P key", "table"), ("pen", "drawer")} <= set(room.things)
    assert {("coin", "floor"), ("old shoe", "floor")} <= set(room.things)
    assert set(room.closed) == {"chest", "box"}


def test_the_coin_is_taken_where_it_lies():
    assert act(COIN, HALL + "\n\nThere is a coin on the floor.") == "take coin"


def test_a_maze_is_walked_depth_first_and_a_dead_end_left_again():
    cell = "-= Cell =-\nA cell.\n\nThere is an exit to the south."
    assert act(COIN, FORK) == "go north"
    assert act(COIN, FORK, ("go north", cell)) == "go south"
    assert act(COIN, FORK, ("go north", cell), ("go south", FORK)) == "go east"


def test_a_closed_door_is_opened_before_it_is_walked_through():
    first = "-= Hall =-\nA hall.\n\nThere is a closed gate leading west."
    assert act(HUNT, first) == "open gate"
    assert act(HUNT, first, ("open gate", "You open gate.")) == "go west"


def test_a_lock_says_which_key_is_fetched_for_it():
    first = "-= Hall =-\nA hall.\n\nThere is a closed gate leading west.\n\nThere is a passkey on the floor."
    asked = ("open gate", "You have to unlock the gate with the passkey first.")
    got = ("take passkey", "You pick up the passkey from the ground.")
    assert act(HUNT, first, asked) == "take passkey"
    assert act(HUNT, first, asked, got) == "unlock gate with passkey"
    assert act(HUNT, first, asked, got, ("unlock gate with passkey", "You unlock gate.")) == "open gate"


def test_the_treasure_is_taken_out_of_what_held_it():
    first = HALL.replace("You are in a hall.", "You see a safe.")
    assert act(HUNT, first) == "open safe"
    assert act(HUNT, first, ("open safe", "You open the safe, revealing a key.")) == "take key from safe"


@pytest.mark.parametrize(
    "memory",
    [
        "unlock: passkey",
        "agent: unlock red gate with red passkey\nenvironment: You unlock red gate.",
        "* Unlock: passkey.",
    ],
)
def test_a_thing_that_memory_knows_for_a_key_is_taken_in_passing(memory):
    first = HALL + "\n\nThere is a spork and a round passkey on the floor."
    assert act(HUNT, first, memory=[memory]) == "take round passkey"
    assert act(HUNT, first) == "go north"


def test_the_cookbook_is_read_as_soon_as_it_is_seen():
    assert act(MEAL, KITCHEN) == "examine cookbook"


def cooked_so_far(*more):
    return (
        ("examine cookbook", RECIPE),
        ("take pork chop from counter", "You take the pork chop from the counter."),
        *more,
    )


CUT = (
    ("take knife from counter", "You take the knife from the counter."),
    ("dice pork chop with knife", "You dice the pork chop."),
)


def test_ingredients_are_fetched_before_they_are_cut():
    assert act(MEAL, KITCHEN, ("examine cookbook", RECIPE)) == "take pork chop from counter"


def test_what_memory_says_cuts_is_fetched_to_cut():
    memory = ["agent: slice apple with knife\nenvironment: You slice the apple."]
    assert act(MEAL, KITCHEN, *cooked_so_far(), memory=memory) == "take knife from counter"
    assert act(MEAL, KITCHEN, *cooked_so_far(CUT[0]), memory=memory) == "dice pork chop with knife"


def test_without_memory_what_stands_here_is_tried_in_its_order():
    assert act(MEAL, KITCHEN, *cooked_so_far(*CUT)) == "cook pork chop with fridge"
    failed = ("cook pork chop with fridge", "Cooking requires a source of heat.")
    assert act(MEAL, KITCHEN, *cooked_so_far(*CUT, failed)) == "cook pork chop with oven"


@pytest.mark.parametrize(
    "memory",
    [
        "grill: BBQ",
        "agent: cook red apple with BBQ\nenvironment: You grilled the red apple.\nenvironment: won in 9 steps",
    ],
)
def test_memory_says_which_appliance_does_it(memory):
    assert act(MEAL, KITCHEN, *cooked_so_far(*CUT), memory=[memory]) == "go east"
    there = ("go east", YARD)
    assert act(MEAL, KITCHEN, *cooked_so_far(*CUT, there), memory=[memory]) == "cook pork chop with BBQ"


def test_an_appliance_that_memory_knows_for_something_else_is_not_tried():
    memory = ["roast: oven", "agent: cook egg with fridge\nenvironment: Cooking requires a source of heat."]
    assert act(MEAL, KITCHEN, *cooked_so_far(*CUT), memory=memory) == "cook pork chop with counter"


def test_the_meal_is_prepared_in_the_kitchen_and_eaten():
    grilled = ("cook pork chop with BBQ", "You grilled the pork chop.")
    steps = cooked_so_far(*CUT, ("go east", YARD), grilled)
    assert act(MEAL, KITCHEN, *steps) == "go west"
    back = (*steps, ("go west", KITCHEN))
    assert act(MEAL, KITCHEN, *back) == "prepare meal"
    assert act(MEAL, KITCHEN, *back, ("prepare meal", "Adding the meal to your inventory.")) == "eat meal"


TOUCHING = (
    "environment: -= Hall =-\nA hall.\nagent: go east\nenvironment: -= Corridor =-\nA corridor.\nagent: go east\n"
    "environment: -= Kitchen =-\nA kitchen.\nagent: go west"
)


@pytest.mark.parametrize("memory", ["kitchen: corridor\nhall: corridor", TOUCHING])
def test_memory_of_rooms_that_touch_says_from_where_to_explore(memory):
    """The pantry is nearer, but the kitchen was two rooms from the hall."""
    pantry = "-= Pantry =-\nA pantry.\n\nThere is an exit to the south. There is an exit to the west."
    turns = ("go north", pantry)
    assert act(MEAL, FORK, turns) == "go west"
    assert act(MEAL, FORK, turns, memory=[memory]) == "go south"


def test_memory_reads_where_things_lay():
    text = "environment: -= Kitchen =-\nYou open the fridge, revealing a raw pork chop and an egg.\nagent: go north"
    assert known([text]).places("Pork chop") == ["fridge", "kitchen"]
    assert known(["pork chop: fridge\nfridge: kitchen"]).places("fridge") == ["kitchen"]


def test_a_fact_counts_once_in_a_text_and_the_more_frequent_one_wins():
    memory = known(["grill: oven\ngrill: oven\ngrill: oven", "grill: BBQ", "grill: bbq"])
    assert memory.tool("grill") == "bbq"


def test_the_published_rules_name_each_form_of_memory():
    for form in ("-= ROOM =-", "agent: go DIRECTION", "cook THING with TOOL", "unlock LOCK with KEY", "THING: PLACE"):
        assert form in READER


def test_a_step_that_changes_nothing_is_not_done_three_times():
    first = "-= Hall =-\nA hall.\n\nThere is an exit to the north. There is an exit to the east."
    stuck = ("go north", "You can't go that way.")
    assert act(COIN, first, stuck, stuck) == "go east"


def test_only_admissible_actions_are_given_where_any_are_listed():
    assert act(COIN, FORK, actions=("look", "go east")) == "go east"
    assert act(COIN, FORK, actions=("examine wall",)) == "examine wall"


def test_any_text_gets_an_admissible_action():
    chance = random.Random(11)
    words = ["-= A =-", "\n", "You", "see", "a", "key", "on the floor", "leading", "west", "There is", "closed", ":"]
    words += [
        "exit to the",
        "go north",
        "-=",
        "=-",
        "Recipe",
        "Ingredients:",
        "Directions:",
        "dice the x",
        "unlock the",
    ]
    words += ["with", "first", "You open", "You take the", "from", "cook", "meal", "\0", "[", "(", "é", "contains"]

    def garbage():
        return " ".join(chance.choices(words, k=chance.randrange(40)))

    for _ in range(300):
        actions = tuple(garbage() for _ in range(chance.randrange(4)))
        turns = [(chance.choice(("go north", "go west", garbage())), garbage()) for _ in range(chance.randrange(6))]
        goal = chance.choice((HUNT, MEAL, garbage()))
        done = act(goal, garbage(), *turns, memory=(garbage(), garbage()), actions=actions)
        assert done in actions or (not actions and isinstance(done, str))
