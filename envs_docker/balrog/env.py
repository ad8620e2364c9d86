"""The environments of this image, `babaisai` and `minihack`, over standard input and output (see `lines`)."""

import importlib.util

import lines
import minihack_boxoban
from baba_game import Baba
from baba_original import OriginalBaba


def minihack() -> lines.Game:
    """MiniHack, loaded when it is first played: it takes a second."""
    from minihack_game import MiniHack  # noqa: PLC0415

    return MiniHack()


SUPPLIED = importlib.util.find_spec("baba") is not None

lines.serve(
    {"babaisai": OriginalBaba if SUPPLIED else Baba, "minihack": minihack},
    sources={
        "babaisai": "the original Baba Is AI" if SUPPLIED else "alma-mcp's own rules and levels of Baba Is AI",
        "minihack": f"MiniHack 0.1.6 in balrog-nle 0.9.0; {minihack_boxoban.source()}",
    },
)
