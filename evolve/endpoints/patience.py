"""Asking a model until it answers: what passes is tried again, what the endpoint refuses is left out."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from alma_mcp.chat import Fault, Reply

DROPPABLE = ("response_format", "temperature", "seed", "max_completion_tokens")
"""What an endpoint may refuse without being another model, in the order in which it is suspected."""

OLDER = {"max_completion_tokens": "max_tokens"}
"""What an option is called where it is refused by its present name."""

Asking = Callable[[Mapping[str, Any]], Awaitable[Reply | Fault]]
"""One request with these options."""


@dataclass(frozen=True, slots=True)
class Patience:
    """What passing faults are given: `tries` in all, about `pause`, then twice that ... `longest` seconds apart."""

    tries: int = 6
    pause: float = 1.0
    longest: float = 60.0

    def pauses(self, chance: random.Random) -> Iterator[float]:
        """Each is between half of its length and the whole."""
        for exponent in range(self.tries - 1):
            yield min(self.longest, self.pause * 2**exponent) * chance.uniform(0.5, 1.0)


class Patient:
    """Asks one model with patience. `refused` are the options that its endpoint would not have."""

    def __init__(
        self,
        patience: Patience,
        *,
        chance: random.Random,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.refused: frozenset[str] = frozenset()
        self._patience = patience
        self._chance = chance
        self._sleep = sleep

    async def ask(self, asking: Asking, options: Mapping[str, Any]) -> Reply | Fault:
        """The reply, or the last fault. An endpoint that says how long to wait is given that time, up to a bound."""
        without = self.refused
        pauses = self._patience.pauses(self._chance)
        while True:
            kept = _kept(options, without)
            answer = await asking(kept)
            match answer:
                case Fault(kind="passing") if (pause := next(pauses, None)) is not None:
                    await self._sleep(max(pause, min(answer.wait, self._patience.longest)))
                case Fault(kind="request") if suspected := _suspected(answer, kept):
                    without |= suspected
                case Reply():
                    self.refused |= without
                    return answer
                case Fault():
                    return answer


def _kept(options: Mapping[str, Any], without: frozenset[str]) -> dict[str, Any]:
    named = {OLDER.get(name, name) if name in without else name: value for name, value in options.items()}
    return {name: value for name, value in named.items() if name not in without}


def _suspected(fault: Fault, options: Mapping[str, Any]) -> frozenset[str]:
    """What to leave out: what the endpoint complains of, or else the likeliest."""
    left = [option for option in DROPPABLE if option in options]
    return fault.options & frozenset(left) or (frozenset(left[:1]) if not fault.options else frozenset())
