"""The host's side of a pipe to a worker: calls out, asks in, deadlines, and no trust."""

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from alma_mcp.contract import Unavailable
from alma_mcp.errors import ContractBroken, DeadlineExceeded, DesignError, DesignFailed, ToolkitError, WorkerDied
from alma_mcp.frames import FrameGarbled, decode, encode
from alma_mcp.hosts import Asks

Ender = Callable[[], Awaitable[None]]


class Link:
    """A worker as its host sees it; implements `hosts.Worker`.

    `end` ends the worker's process for certain; `last_words` gives what it wrote on standard error.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        write: Callable[[bytes], None],
        asks: Asks,
        end: Ender,
        last_words: Callable[[], str],
        resident: Callable[[], int],
    ) -> None:
        self._reader = reader
        self._write = write
        self._asks = asks
        self._end = end
        self._last_words = last_words
        self._resident = resident
        self._numbers = itertools.count(1)
        self._calls: dict[int, asyncio.Future[Any]] = {}
        self._answers: set[asyncio.Task[None]] = set()
        self._over: DesignError | None = None
        self._reading = asyncio.create_task(self._read())

    @property
    def alive(self) -> bool:
        return self._over is None

    @property
    def memory_bytes(self) -> int:
        return self._resident() if self.alive else 0

    async def call(self, method: str, params: Mapping[str, Any], deadline: float) -> Any:
        """See `hosts.Worker.call`."""
        if self._over:
            raise self._over
        number = next(self._numbers)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._calls[number] = future
        try:
            self._write(encode({"id": number, "call": method, "params": dict(params)}))
            return await asyncio.wait_for(future, deadline)
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
        self._reading.cancel()
        await asyncio.gather(self._reading, *self._answers, return_exceptions=True)

    async def _read(self) -> None:
        over: DesignError
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
            task = asyncio.create_task(self._answer(frame))
            self._answers.add(task)
            task.add_done_callback(self._answers.discard)
            return
        future = self._calls.get(frame["id"])
        if future is None or future.done():
            return
        if "error" in frame:
            future.set_exception(_failure(frame["error"]))
        else:
            future.set_result(frame["ok"])

    async def _answer(self, frame: Mapping[str, Any]) -> None:
        answer: dict[str, Any] = {"answer": frame["ask"]}
        try:
            answer["ok"] = await self._asks.answer(str(frame["what"]), frame["params"])
        except (Unavailable, ToolkitError) as reason:
            answer["unavailable"] = str(reason)
        except (KeyError, TypeError, ValueError) as error:
            answer["unavailable"] = f"the request was malformed: {error}"
        if self.alive:
            with contextlib.suppress(OSError):
                self._write(encode(answer))

    async def _finish(self, reason: DesignError) -> None:
        if self._over is None:
            self._over = reason
            for future in self._calls.values():
                if not future.done():
                    future.set_exception(reason)
        await self._end()

    def _said(self) -> str:
        words = self._last_words().strip()
        return f" It said: {words.splitlines()[-1][:300]}" if words else ""


def _failure(error: Mapping[str, Any]) -> DesignError:
    message, trace = str(error.get("message", "")), str(error.get("trace", ""))
    failure: DesignError = ContractBroken(message) if error.get("kind") == "contract" else DesignFailed(message)
    failure.add_note(trace)
    return failure
