"""How often an endpoint may be asked: requests and tokens a minute, whoever asks."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

MINUTE = 60.0


@dataclass(slots=True)
class Turn:
    """One request: when it began, and its tokens; set those to what they came to, once that is known."""

    at: float
    tokens: int


class Limiter:
    """Lets those who ask through one after another, so that no minute has more than these; None is no limit.

    A request that alone is beyond the limit of tokens waits until the minute before it is empty.
    """

    def __init__(
        self,
        requests: int | None = None,
        tokens: int | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._requests = requests
        self._tokens = tokens
        self._clock = clock
        self._sleep = sleep
        self._turns: deque[Turn] = deque()
        self._queue = asyncio.Lock()

    async def turn(self, tokens: int) -> Turn:
        """Wait for a turn of about so many tokens."""
        async with self._queue:
            while (wait := self._wait(tokens)) > 0:
                await self._sleep(wait)
            turn = Turn(self._clock(), tokens)
            self._turns.append(turn)
            return turn

    def _wait(self, tokens: int) -> float:
        """Seconds until the oldest turn that is in the way is a minute old."""
        now = self._clock()
        while self._turns and now - self._turns[0].at >= MINUTE:
            self._turns.popleft()
        if not self._turns or self._fits(tokens):
            return 0.0
        return self._turns[0].at + MINUTE - now

    def _fits(self, tokens: int) -> bool:
        many = self._requests is not None and len(self._turns) >= self._requests
        much = self._tokens is not None and sum(turn.tokens for turn in self._turns) + tokens > self._tokens
        return not many and not much
