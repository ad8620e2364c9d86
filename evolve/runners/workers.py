"""The workers of a cluster: as many as there may be, each warm, and another one for each that is lost."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

from evolve.errors import InfrastructureFault


class Worker(Protocol):
    """Something that plays, on a node."""

    async def close(self) -> None: ...

    def end(self) -> None:
        """At once, whatever it does."""


W = TypeVar("W", bound=Worker)


class Workers(Generic[W]):
    """Up to `width` workers. `hire` gives one when a node has opened its benchmark; it may wait for a free node.

    Where nobody works and nobody came for `patience` seconds, what was asked for fails with an `InfrastructureFault`.
    """

    def __init__(self, hire: Callable[[], Awaitable[W]], width: int, patience: float) -> None:
        self._hire = hire
        self._patience = patience
        self._free: asyncio.Queue[W | BaseException] = asyncio.Queue()
        self._hired: set[W] = set()
        self._hiring: set[asyncio.Task[W]] = set()
        for _ in range(width):
            self._another()

    async def lend(self) -> W:
        """The next that is free. Raises what kept a worker from coming."""
        got = await self._free.get()
        if isinstance(got, BaseException):
            self._another()
            raise got
        return got

    def give_back(self, worker: W) -> None:
        self._free.put_nowait(worker)

    def lost(self, worker: W) -> None:
        """It will not come back; somebody else is asked to come."""
        self._hired.discard(worker)
        worker.end()
        self._another()

    async def close(self) -> None:
        """Ask all to close what they have opened, and end them."""
        for task in self._hiring:
            task.cancel()
        await asyncio.gather(*self._hiring, return_exceptions=True)
        closing = asyncio.gather(*(each.close() for each in self._hired), return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(closing, self._patience)
        for worker in self._hired:
            worker.end()

    def _another(self) -> None:
        task = asyncio.create_task(self._come())
        self._hiring.add(task)
        task.add_done_callback(self._came)

    def _came(self, task: "asyncio.Task[W]") -> None:
        self._hiring.discard(task)
        if task.cancelled():
            return
        if error := task.exception():
            self._free.put_nowait(error)
            return
        self._hired.add(task.result())
        self._free.put_nowait(task.result())

    async def _come(self) -> W:
        coming = asyncio.ensure_future(self._hire())
        try:
            while not (await asyncio.wait([coming], timeout=self._patience))[0]:
                if not self._hired:
                    raise InfrastructureFault(
                        f"No node of the cluster took a job within {self._patience:.0f} seconds; `ray status` shows"
                        " what it has."
                    )
            return await coming
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
