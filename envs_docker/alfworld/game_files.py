"""Finding a game below the mounted folder."""

from pathlib import Path

from lines import BadGame

EXAMPLES = 3


def find_game(games: Path, name: str, suffix: str) -> Path:
    """The file of a game. Raises `BadGame`, with a sentence that says which games there are."""
    path = (games / name).resolve()
    if path.suffix == suffix and path.is_relative_to(games.resolve()) and path.is_file():
        return path
    raise BadGame(f"There is no game {name!r} that ends in {suffix}; {_what_is_there(games, suffix)}.")


def _what_is_there(games: Path, suffix: str) -> str:
    found = sorted(str(path.relative_to(games)) for path in games.rglob(f"*{suffix}"))
    if not found:
        return f"no such game is below {games}, so mount a folder that has some"
    return f"there are {len(found)} below {games}, such as {', '.join(found[:EXAMPLES])}"
