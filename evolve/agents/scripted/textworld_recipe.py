"""The cookbook of TextWorld's cooking game, and what was done of it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

INGREDIENTS = re.compile(r"ingredients:\s*(.*?)\s*directions:", re.I | re.S)
DIRECTIONS = re.compile(r"directions:\s*(.*)", re.I | re.S)
STEP = re.compile(r"^\s*(slice|dice|chop|fry|roast|grill) the ([^\n]+?)\s*$", re.I | re.M)
DONE = re.compile(r"\byou (fried|roasted|grilled|slice|dice|chop) the ([^.\n]+)", re.I)
CUTS = ("slice", "dice", "chop")
COOKED = {"fried": "fry", "roasted": "roast", "grilled": "grill"}


@dataclass(frozen=True, slots=True)
class Recipe:
    """`steps` are (what is to be done, to which ingredient), in the book's order."""

    ingredients: tuple[str, ...]
    steps: tuple[tuple[str, str], ...]


def read_recipe(text: str) -> Recipe | None:
    """The recipe of a text, if it holds one. Never raises."""
    listed, told = INGREDIENTS.search(text), DIRECTIONS.search(text)
    if not listed or not told:
        return None
    names = tuple(line.strip() for line in listed.group(1).splitlines() if line.strip())
    return Recipe(names, tuple((deed.lower(), thing) for deed, thing in STEP.findall(told.group(1))))


def steps_done(texts: Iterable[str]) -> frozenset[tuple[str, str]]:
    """The steps that the answers say were done."""
    found = (DONE.findall(text) for text in texts)
    return frozenset((COOKED.get(deed.lower(), deed.lower()), thing.strip()) for some in found for deed, thing in some)
