"""What one design answered to a question in every scope that was asked: never parts of two designs' answers."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from alma_mcp.contract import Retrieval
from alma_mcp.projections.projections import Projections
from alma_mcp.serving.serving import Serving


@dataclass(frozen=True, slots=True)
class Answered:
    """A retrieval for each scope with what is to be said of it. `design` is the id of who answered.

    `failed`: in some scope the design gave no answer, and plain word matches stand in. `question` is the number that
    the canary gave it, -1 where it is not part of one.
    """

    design: str
    retrievals: tuple[Retrieval, ...]
    notes: tuple[str, ...]
    failed: bool = False
    question: int = -1


Asking = Callable[[Projections], Awaitable[Answered]]


async def answered_by_live(serving: Serving, ask: Asking) -> Answered:
    """The live design's answer; where another one took over from it meanwhile and it failed, that one's."""
    while True:
        live = serving.live
        answered = await ask(live)
        if not answered.failed or serving.live is live:
            return answered
