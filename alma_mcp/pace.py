"""The pace of work in the background: full speed while nobody asks, small steps with rests while somebody does."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator

QUIET_SECONDS = 3.0
RESTS = 1.0
LONGEST_REST_SECONDS = 0.25
LONGEST_WAIT_SECONDS = 0.1
STEP = 16


class Pace:
    """Knows when real queries are answered, and has the work beside them wait. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._answering = 0
        self._awaiting = 0
        self._answered = float("-inf")
        self._free = asyncio.Event()
        self._free.set()

    @contextlib.contextmanager
    def answering(self) -> Iterator[None]:
        """A real query is being answered."""
        self._answering += 1
        if not self._awaiting:
            self._free.clear()
        try:
            yield
        finally:
            self._answering -= 1
            self._answered = self._clock()
            if not self._answering:
                self._free.set()

    @contextlib.contextmanager
    def awaiting(self) -> Iterator[None]:
        """A real query waits for what is being done in the background: nothing rests meanwhile."""
        self._awaiting += 1
        self._free.set()
        try:
            yield
        finally:
            self._awaiting -= 1
            if self._answering and not self._awaiting:
                self._free.clear()

    @property
    def awaited(self) -> bool:
        """Whether a real query waits for the background."""
        return self._awaiting > 0

    @property
    def hurried(self) -> bool:
        """Whether somebody asks, or has just asked, and nobody waits for the background."""
        if self._awaiting:
            return False
        return self._answering > 0 or self._clock() - self._answered < QUIET_SECONDS

    def step(self, most: int) -> int:
        """How many events to take in at once, of `most`."""
        return min(most, STEP) if self.hurried else most

    async def rest(self, worked: float) -> None:
        """Where somebody asks, rest after `worked` seconds: for as long as that within bounds, and until it is free."""
        if not self.hurried:
            return
        await asyncio.sleep(min(RESTS * worked, LONGEST_REST_SECONDS))
        await self.pass_by()

    async def pass_by(self) -> None:
        """Wait until nobody is being answered; not for long, since there may always be somebody."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_WAIT_SECONDS):
                await self._free.wait()
