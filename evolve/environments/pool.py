"""Warm environments: started ahead, lent for one episode, replaced when they are lost or have played enough."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TypeVar

from evolve.environments.link import EnvironmentLink
from evolve.errors import EnvironmentLost

PLAYS = 40
TRIES = 3

T = TypeVar("T")


class Pool:
    """At most `size` environments at once; each is ended after `plays` episodes, since games leave memory behind."""

    def __init__(self, start: Callable[[], Awaitable[EnvironmentLink]], size: int, plays: int = PLAYS) -> None:
        self._start = start
        self._plays = plays
        self._free = asyncio.Semaphore(size)
        self._idle: list[tuple[EnvironmentLink, int]] = []
        self._size = size

    async def warm(self) -> Mapping[str, str]:
        """Start all of them; gives where the rules of each domain come from. Raises `EnvironmentLost`."""
        started = await asyncio.gather(*(self._start() for _ in range(self._size)), return_exceptions=True)
        self._idle += [(each, 0) for each in started if not isinstance(each, BaseException)]
        for each in started:
            if isinstance(each, BaseException):
                await self.close()
                raise each
        return self._idle[0][0].sources

    @contextlib.asynccontextmanager
    async def lend(self) -> AsyncIterator[EnvironmentLink]:
        """An environment for one episode. One that is not alive afterwards is not lent again."""
        async with self._free:
            environment, played = self._idle.pop() if self._idle else (await retried(self._start), 0)
            try:
                yield environment
            finally:
                if environment.alive and played + 1 < self._plays:
                    self._idle.append((environment, played + 1))
                else:
                    await environment.close()

    async def close(self) -> None:
        """End all that are idle."""
        idle, self._idle = self._idle, []
        for environment, _ in idle:
            await environment.close()


async def retried(attempt: Callable[[], Awaitable[T]]) -> T:
    """Try up to three times: an environment that is lost on the way is nobody's fault. Raises `EnvironmentLost`."""
    for _ in range(TRIES - 1):
        with contextlib.suppress(EnvironmentLost):
            return await attempt()
    return await attempt()
