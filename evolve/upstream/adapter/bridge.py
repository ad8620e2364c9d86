"""The bridge between upstream code, on a loop in a thread of its own, and the toolkit, on the worker's loop.

Upstream code embeds synchronously inside coroutines. On the worker's own loop that would wait for ever; from
another thread it waits for an answer that the worker's loop goes on to fetch.
"""

import asyncio
import concurrent.futures
import contextvars
import random
import shutil
import tempfile
import threading
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from alma_mcp.contract import Toolkit

THREADS = 4

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Call:
    """One call of the host: its toolkit, its time and chance, and the tasks that were started for it."""

    toolkit: Toolkit
    loop: asyncio.AbstractEventLoop
    context: contextvars.Context
    now: float
    random: random.Random
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)
    over: bool = False


CALL: contextvars.ContextVar[Call] = contextvars.ContextVar("CALL")


class Threads(concurrent.futures.ThreadPoolExecutor):
    """A pool whose work belongs to the call that it was submitted in."""

    def submit(self, work: Callable[..., T], /, *values: Any, **named: Any) -> "concurrent.futures.Future[T]":
        return super().submit(contextvars.copy_context().run, work, *values, **named)


class Bridge:
    """Runs upstream work for a call of the host; until that ends it reaches the call's toolkit, also from a pool."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._folder = ""

    @property
    def call(self) -> Call:
        """The call that the running code belongs to. Raises `RuntimeError` where there is none any more."""
        call = CALL.get(None)
        if call is None or call.over:
            raise RuntimeError("No update or retrieve is under way that this belongs to.")
        return call

    @property
    def folder(self) -> str:
        """A folder for files, made at first use; it goes when this does."""
        if not self._folder:
            self._folder = tempfile.mkdtemp(prefix="upstream-")
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        return self._folder

    async def run(self, toolkit: Toolkit, now: float, chance: random.Random, work: Callable[[], Awaitable[T]]) -> T:
        """Do upstream work, to the end of every task that it starts. What it raises is raised here."""
        call = Call(toolkit, asyncio.get_running_loop(), contextvars.copy_context(), now, chance)
        token = CALL.set(call)
        try:
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_whole(call, work), self._running()))
        finally:
            call.over = True
            CALL.reset(token)

    def ask(self, asking: Callable[[Toolkit], Coroutine[Any, Any, T]]) -> "concurrent.futures.Future[T]":
        """Ask the toolkit of the running call; wait for `result()`, or for `asyncio.wrap_future` of it."""
        call = self.call
        return call.context.copy().run(asyncio.run_coroutine_threadsafe, asking(call.toolkit), call.loop)

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = loop = asyncio.new_event_loop()
            loop.set_task_factory(_belonging)
            loop.set_default_executor(Threads(THREADS))
            threading.Thread(target=_serve, args=(loop,), daemon=True).start()
            weakref.finalize(self, loop.call_soon_threadsafe, loop.stop)
        return self._loop


async def _whole(call: Call, work: Callable[[], Awaitable[T]]) -> T:
    """What a failed or cancelled call leaves behind is cancelled; what a finished one does is waited for."""
    own = asyncio.current_task()
    try:
        result = await work()
        while left := [task for task in call.tasks if task is not own and not task.done()]:
            await asyncio.wait(left)
        return result
    finally:
        for task in call.tasks:
            if task is not own:
                task.cancel()
        call.tasks.clear()


def _belonging(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
    task = asyncio.Task(work, loop=loop, **options)
    if call := CALL.get(None):
        call.tasks.append(task)
    return task


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.wait(left))
    loop.close()
