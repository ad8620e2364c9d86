"""The far side of the pipe: runs one design. Started by a host as a program of its own.

Frames (`alma_mcp.frames`) travel on private duplicates of standard input and output, so that
nothing a design prints can be taken for one. Host to worker: `{"id", "call", "params"}` with
the calls `open`, `apply`, `retrieve`, `consolidate`, answered by `{"id", "ok"}` or
`{"id", "error": {"kind", "message", "trace"}}`. Worker to host: `{"ask", "what", "params"}`,
answered by `{"answer", "ok"}` or `{"answer", "unavailable"}`.
"""

import asyncio
import contextlib
import itertools
import math
import os
import sys
import traceback
import types
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from alma_mcp.contract import (
    CONTRACT_VERSION,
    Experience,
    Memory,
    MemoryItem,
    Query,
    RankedMemory,
    Retrieval,
    Toolkit,
    Unavailable,
)
from alma_mcp.frames import MAX_FRAME, FrameGarbled, clean, decode, encode
from alma_mcp.worker_toolkit import DesignToolkit

LONGEST_TRACE = 4000


class Broken(Exception):
    """The design does not keep the contract; `str()` says how."""


class Worker:
    """One design in one state folder, driven by frames."""

    def __init__(self, folder: Path, send: Callable[[bytes], None]) -> None:
        self._folder = folder
        self._send = send
        self._asks: dict[int, asyncio.Future[Any]] = {}
        self._numbers = itertools.count(1)
        self._applying = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._toolkit: DesignToolkit | None = None
        self._memory: Memory

    def receive(self, line: bytes) -> None:
        """Take one frame: an answer to an ask, or a call, which runs as a task of its own."""
        frame = decode(line)
        if "answer" in frame:
            self._answered(frame)
            return
        task = asyncio.get_running_loop().create_task(self._serve(frame))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End what is under way, and the database."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._toolkit:
            self._toolkit.close()

    async def _serve(self, frame: Mapping[str, Any]) -> None:
        number = frame["id"]
        calls = {"open": self._open, "apply": self._apply, "retrieve": self._retrieve, "consolidate": self._consolidate}
        try:
            answer = {"id": number, "ok": await calls[frame["call"]](frame["params"])}
            line = encode(answer)
        except (Broken, FrameGarbled) as error:
            line = encode(_error(number, "contract", error))
        except Exception as error:  # noqa: BLE001 - whatever a design raises is its own failure
            line = encode(_error(number, "failed", error))
        self._send(line)

    async def _open(self, params: Mapping[str, Any]) -> dict[str, Any]:
        design = load_design(params["source"])
        if design.state_in_python:
            for path in self._folder.iterdir():
                path.unlink()
        toolkit = self._toolkit = DesignToolkit(self._folder, params["seed"], self._ask)
        with toolkit.transaction(0.0, toolkit.position):
            self._memory = design(cast("Toolkit", toolkit))
        return {
            "name": str(design.name),
            "idea": str(design.idea),
            "contract": CONTRACT_VERSION,
            "needs_complete": bool(design.needs_complete),
            "state_in_python": bool(design.state_in_python),
            "position": toolkit.position,
        }

    async def _apply(self, params: Mapping[str, Any]) -> dict[str, Any]:
        toolkit = self._opened
        async with self._applying:
            events = [event for event in params["events"] if event["position"] > toolkit.position]
            if events:
                with toolkit.transaction(events[-1]["at"], events[-1]["position"]):
                    await self._take_in(events)
            return {"position": toolkit.position}

    async def _take_in(self, events: Sequence[Mapping[str, Any]]) -> None:
        for kind, group in itertools.groupby(events, key=lambda event: event["kind"]):
            bodies = [event["body"] for event in group]
            match kind:
                case "experience":
                    await self._memory.update_many([Experience.from_json(body) for body in bodies])
                case "feedback":
                    for body in bodies:
                        await self._memory.feedback(body["experiences"], body["signal"])
                case "forgetting":
                    for body in bodies:
                        await self._memory.forget(body["experiences"])

    async def _retrieve(self, params: Mapping[str, Any]) -> dict[str, Any]:
        query = Query(**params["query"])
        with self._opened.turn(query.time, self._opened.position, writes=False, salt=query.text):
            retrieval = await self._memory.retrieve(query)
        _check(retrieval)
        return retrieval.to_json()

    async def _consolidate(self, _: Mapping[str, Any]) -> dict[str, Any]:
        async with self._applying:
            with self._opened.transaction(0.0, self._opened.position, salt="consolidate"):
                await self._memory.consolidate()
        return {}

    @property
    def _opened(self) -> DesignToolkit:
        if self._toolkit is None:
            raise Broken("The design was not opened.")
        return self._toolkit

    async def _ask(self, what: str, params: Mapping[str, Any]) -> Any:
        number = next(self._numbers)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._asks[number] = future
        self._send(encode({"ask": number, "what": what, "params": params}))
        return await future

    def _answered(self, frame: Mapping[str, Any]) -> None:
        future = self._asks.pop(frame["answer"], None)
        if future is None or future.done():
            return
        if "ok" in frame:
            future.set_result(frame["ok"])
        else:
            future.set_exception(Unavailable(frame["unavailable"]))


def load_design(source: str) -> type[Memory]:
    """The one `Memory` subclass that a design file defines. Raises `Broken`."""
    module = types.ModuleType("design")
    sys.modules["design"] = module
    exec(compile(source, "design.py", "exec"), module.__dict__)  # noqa: S102 - running designs is what a worker is for
    found = [
        each
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Memory) and each not in (Memory, RankedMemory)
        and each.__module__ == "design"
    ]  # fmt: skip
    leaves = [each for each in found if not any(each in other.__mro__[1:] for other in found)]
    if len(leaves) != 1:
        raise Broken(f"A design defines exactly one subclass of Memory; this one defines {len(leaves)}.")
    if leaves[0].contract != CONTRACT_VERSION:
        raise Broken(f"The design wants contract {leaves[0].contract}; this is contract {CONTRACT_VERSION}.")
    return leaves[0]


def _check(retrieval: Any) -> None:
    if not isinstance(retrieval, Retrieval):
        raise Broken(f"retrieve() gave a {type(retrieval).__name__}, not a Retrieval.")
    for item in retrieval.items:
        if not isinstance(item, MemoryItem) or not isinstance(item.text, str):
            raise Broken("retrieve() gave an item that is no MemoryItem with a text.")
        if not isinstance(item.score, int | float) or not math.isfinite(item.score):
            raise Broken("retrieve() gave an item whose score is no finite number.")
        if not item.experiences or not all(isinstance(each, str) for each in item.experiences):
            raise Broken("retrieve() gave an item that rests on no experience.")


def _error(number: int, kind: str, error: BaseException) -> dict[str, Any]:
    trace = "".join(traceback.format_exception(error))[-LONGEST_TRACE:]
    message = f"{type(error).__name__}: {error}" if kind == "failed" else str(error)
    return {
        "id": number,
        "error": {"kind": kind, "message": clean(message.replace("\n", " ")[:500]), "trace": clean(trace)},
    }


async def run(folder: Path, incoming: int, outgoing: int) -> None:
    """Serve frames between two descriptors until the host closes its end."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=MAX_FRAME)
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(incoming, "rb"))

    def send(line: bytes) -> None:
        view = memoryview(line)
        while view:
            view = view[os.write(outgoing, view) :]

    worker = Worker(folder, send)
    with contextlib.suppress(ConnectionError):
        while line := await reader.readline():
            worker.receive(line)
    await worker.close()
    transport.close()


def main() -> None:
    """Keep private copies of standard input and output, and give the design empty ones."""
    incoming, outgoing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    asyncio.run(run(Path(sys.argv[1]), incoming, outgoing))


if __name__ == "__main__":
    main()
