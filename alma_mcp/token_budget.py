"""How much text a budget of tokens holds. Standard library only."""

from collections.abc import Sequence

CHARACTERS_PER_TOKEN = 4


def fitting(texts: Sequence[str], tokens: int) -> list[str]:
    """The leading texts that fit a budget (four characters a token); the first one is cut to fit."""
    room = max(tokens, 1) * CHARACTERS_PER_TOKEN
    chosen: list[str] = []
    for text in texts:
        if len(text) > room and chosen:
            break
        chosen.append(text if len(text) <= room else text[:room] + " …")
        room -= len(text)
    return chosen
