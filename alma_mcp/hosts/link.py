"""The host's side of a pipe to a worker: calls out, asks in, deadlines, and no trust."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from alma_mcp.contract import Unavailable
from alma_mcp.errors import (
    AlmaError,
    ContractBroken,
    DeadlineExceeded,
    DesignError,
    DesignFailed,
    ToolkitError,
    WorkerDied,
)
from alma_mcp.frames import FrameGarbled, decode, encode
from alma_mcp.hosts import Asks

Ender = Callable[[], Awaitable[None]]
MOST_ASKS = 256


class Link:
    """A worker as its host sees it; implements `hosts.Worker`.

    `end` ends the worker's process for certain; `last_words` gives what it wrote on standard error; `resident` is its
    memory in bytes, `lower` has it leave the processor to others.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        write: Callable[[bytes], None],
        asks: Asks,
        end: Ender,
        last_words: Callable[[], str],
        resident: Callable[[], int],
        lower: Callable[[], None] = lambda: None,
    ) -> None:
        self._reader = reader
        self._write = write
        self._asks = asks
        self._end = end
        self._last_words = last_words
        self._resident = resident
        self._lower = lower
        self._issued = 0
        self._calls: dict[int, asyncio.Future[Any]] = {}
        self._answers: set[asyncio.Task[None]] = set()
        self._over: AlmaError | None = None
        self._reading = asyncio.create_task(self._read())

    @property
    def alive(self) -> bool:
        return self._over is None

    @property
    def memory_bytes(self) -> int:
        return self._resident() if self.alive else 0

    def step_aside(self) -> None:
        """See `hosts.Worker.step_aside`."""
        if self.alive:
            self._lower()

    async def call(self, method: str, params: Mapping[str, Any], deadline: float) -> Any:
        """See `hosts.Worker.call`."""
        if self._over:
            raise type(self._over)(str(self._over))
        self._issued = number = self._issued + 1
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._calls[number] = future
        try:
            self._write(encode({"id": number, "call": method, "params": dict(params)}))
            answer = await asyncio.wait_for(future, deadline)
            if method == "apply" and not _covers(answer, params):
                await self._finish(ContractBroken("The design's process told a wrong log position and was ended."))
                raise ContractBroken(str(self._over))
            return answer
        except TimeoutError:
            slow = DeadlineExceeded(f"The design took more than {deadline:g} seconds for {method}() and was ended.")
            await self._finish(slow)
            raise slow from None
        except FrameGarbled as error:
            raise ContractBroken(f"The call {method}() cannot be sent: {error}.") from error
        finally:
            self._calls.pop(number, None)

    async def close(self) -> None:
        """End the worker and wait until it is gone."""
        await self._finish(WorkerDied("The worker was closed."))
        for task in (self._reading, *self._answers):
            task.cancel()
        await asyncio.gather(self._reading, *self._answers, return_exceptions=True)

    async def _read(self) -> None:
        over: AlmaError
        try:
            while line := await self._reader.readline():
                self._received(decode(line))
            over = WorkerDied(f"The design's process ended.{self._said()}")
        except (FrameGarbled, KeyError, TypeError) as error:
            over = ContractBroken(f"The design's process sent something that is no frame ({error}) and was ended.")
        except ValueError:
            over = ContractBroken("The design's process sent more than 16 MB in one answer and was ended.")
        except OSError:
            over = WorkerDied(f"The pipe to the design's process broke.{self._said()}")
        await self._finish(over)

    def _received(self, frame: Mapping[str, Any]) -> None:
        if "ask" in frame:
            self._asked(frame)
            return
        number = frame["id"]
        if not isinstance(number, int) or not 0 < number <= self._issued:
            raise FrameGarbled("it answers a call that was never made")
        failure = _failure(frame["error"]) if "error" in frame else None
        answer = None if failure else frame["ok"]
        future = self._calls.get(number)
        if future is None or future.done():
            return
        if failure:
            future.set_exception(failure)
        else:
            future.set_result(answer)

    def _asked(self, frame: Mapping[str, Any]) -> None:
        if not isinstance(frame["params"], dict) or len(self._answers) >= MOST_ASKS:
            raise FrameGarbled(f"it asks with no params, or has asked {MOST_ASKS} times without waiting")
        task = asyncio.create_task(self._answer(frame))
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)

    async def _answer(self, frame: Mapping[str, Any]) -> None:
        answer: dict[str, Any] = {"answer": frame["ask"]}
        try:
            answer["ok"] = await self._asks.answer(str(frame["what"]), frame["params"])
        except (Unavailable, ToolkitError) as reason:
            answer["unavailable"] = str(reason)
        except (KeyError, TypeError, ValueError) as error:
            answer["unavailable"] = f"the request was malformed: {error}"
        except AlmaError as error:
            await self._finish(error)
        if self.alive:
            with contextlib.suppress(OSError):
                self._write(_encoded(answer))

    async def _finish(self, reason: AlmaError) -> None:
        if self._over is None:
            self._over = reason
            for future in self._calls.values():
                if not future.done():
                    future.set_exception(type(reason)(str(reason)))
        await self._end()

    def _said(self) -> str:
        words = self._last_words().strip()
        return f" It said: {words.splitlines()[-1][:300]}" if words else ""


async def wholly(starting: Coroutine[Any, Any, Link]) -> Link:
    """Start a worker to the end; whoever is cancelled meanwhile leaves none behind."""
    task = asyncio.create_task(starting)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        with contextlib.suppress(AlmaError):
            await (await task).close()
        raise


def _covers(answer: Any, params: Mapping[str, Any]) -> bool:
    position = answer.get("position") if isinstance(answer, dict) else None
    return isinstance(position, int) and position >= max(event["position"] for event in params["events"])


def _encoded(answer: dict[str, Any]) -> bytes:
    try:
        return encode(answer)
    except FrameGarbled as error:
        return encode({"answer": answer["answer"], "unavailable": f"the answer does not fit: {error}; ask for less"})


def _failure(error: Any) -> DesignError:
    if not isinstance(error, dict):
        raise FrameGarbled("its error is no object")
    message, trace = str(error.get("message", "")), str(error.get("trace", ""))
    failure: DesignError = ContractBroken(message) if error.get("kind") == "contract" else DesignFailed(message)
    failure.add_note(trace)
    return failure
