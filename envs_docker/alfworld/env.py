"""The environment of this image: ALFWorld and TextWorld, one JSON object a line (see `lines`).

`env.py [GAMES]`: GAMES is the folder that a game's name is looked up in, `/games` unless named.
"""

import sys
from functools import partial
from importlib.metadata import version
from pathlib import Path

from alfworld_game import AlfworldGame
from lines import serve
from textworld_game import TextworldGame

if __name__ == "__main__":
    games = Path(sys.argv[1] if len(sys.argv) > 1 else "/games")
    serve(
        {"alfworld": partial(AlfworldGame, games), "textworld": partial(TextworldGame, games)},
        {name: f"{name} {version(name)}, games as mounted" for name in ("alfworld", "textworld")},
    )
