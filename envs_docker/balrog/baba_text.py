"""What a player is told of a map: the rules that hold, and everything else by its distance from YOU.

The facts and the style are those of BALROG's wrapper, its slips mended: `2 steps to the left` has its plural, what
lies under YOU is told, and so is everything else that is YOU or called baba.
"""

from collections.abc import Sequence

from baba_rules import Placed, Rule

UNDER = "at your place"
NOBODY = "Nothing is YOU any more."


def observation(rules: Sequence[Rule], placed: Sequence[Placed]) -> str:
    """The text of a map. `placed` is in reading order; distances are from the first thing that is YOU."""
    told = "\n".join(f"{noun} is {prop}" for noun, prop in rules)
    return f"Active rules:\n{told}\n\nObjects on the map:\n{_objects(rules, placed)}"


def _objects(rules: Sequence[Rule], placed: Sequence[Placed]) -> str:
    nouns = {noun for noun, prop in rules if prop == "you"}
    you = next((index for index, each in enumerate(placed) if each[0] in nouns), None)
    if you is None:
        return NOBODY
    _, x, y = placed[you]
    others = (each for index, each in enumerate(placed) if index != you)
    return "\n".join(f"{_name(word)} {_way(across - x, down - y)}" for word, across, down in others)


def _name(word: str) -> str:
    return f"rule `{word.lower()}`" if word.isupper() else word


def _way(across: int, down: int) -> str:
    sideways = _steps(across, "to the right", "to the left")
    upright = _steps(down, "down", "up")
    return " and ".join(way for way in (sideways, upright) if way) or UNDER


def _steps(count: int, onward: str, back: str) -> str:
    if not count:
        return ""
    return f"{abs(count)} {'step' if abs(count) == 1 else 'steps'} {onward if count > 0 else back}"
