"""What a projection is taking in while its design asks: the host tells it to the toolkit, never the worker."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from alma_mcp.contract import Unavailable
from alma_mcp.hosts import Asks


@dataclass(frozen=True, slots=True)
class TakingIn:
    """The asked texts may come from events up to log position `until`; forgettings up to `heeded` have been
    applied. `sleep_ends` is None among new events; in a sleep the loop's time when it is told to stop.
    """

    until: int
    heeded: int
    sleep_ends: float | None = None


class PlacedAsks:
    """Implements `hosts.Asks`: passes each on with what is taken in just now under `taking_in`."""

    def __init__(self, asks: Asks) -> None:
        self._asks = asks
        self._now: TakingIn | None = None
        self.cut = False

    @contextmanager
    def during(self, taking_in: TakingIn) -> Iterator[None]:
        """`cut` says afterwards whether a sleep was told to stop."""
        self._now, self.cut = taking_in, False
        try:
            yield
        finally:
            self._now = None

    async def answer(self, ask: str, params: Mapping[str, Any]) -> Any:
        writes = ask == "embed" and params.get("writes") is True
        now = self._now if writes else None
        if now and now.sleep_ends is not None and asyncio.get_running_loop().time() > now.sleep_ends:
            self.cut = True
            raise Unavailable("the rest is embedded in the next sleep")
        return await self._asks.answer(ask, {**params, "taking_in": now})

    def foresee(self, text: str) -> None:
        self._asks.foresee(text)
