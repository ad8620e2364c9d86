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
import os
import shutil
import sys
import traceback
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from alma_mcp.contract import (
    CONTRACT_VERSION,
    Experience,
    Memory,
    Query,
    Toolkit,
    Unavailable,
)
from alma_mcp.frames import MAX_FRAME, FrameGarbled, clean, decode, encode
from alma_mcp.worker_design import Broken, checked, load_design
from alma_mcp.worker_toolkit import DesignToolkit

LONGEST_TRACE = 4000


class Worker:
    """One design in one state folder, driven by frames."""

    def __init__(self, folder: Path, send: Callable[[bytes], None], stop: Callable[[], None]) -> None:
        self._folder = folder
        self._send = send
        self._stop = stop
        self._asks: dict[int, asyncio.Future[Any]] = {}
        self._numbers = itertools.count(1)
        self._applying = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._toolkit: DesignToolkit | None = None
        self._design: type[Memory]
        self._memory: Memory
        self._stale = False

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
        if self._stale:
            self._stop()

    async def _open(self, params: Mapping[str, Any]) -> dict[str, Any]:
        design = load_design(params["source"])
        if design.state_in_python:
            for path in self._folder.iterdir():
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        toolkit = self._toolkit = DesignToolkit(self._folder, params["seed"], self._ask)
        self._design = design
        self._make()
        return {
            "name": str(design.name),
            "idea": str(design.idea),
            "contract": CONTRACT_VERSION,
            "needs_complete": bool(design.needs_complete),
            "state_in_python": bool(design.state_in_python),
            "position": toolkit.position,
        }

    def _make(self) -> None:
        toolkit = self._opened
        with toolkit.transaction(0.0, toolkit.position):
            self._memory = self._design(cast("Toolkit", toolkit))

    async def _apply(self, params: Mapping[str, Any]) -> dict[str, Any]:
        toolkit = self._opened
        async with self._applying:
            events = [event for event in params["events"] if event["position"] > toolkit.position]
            if events:
                await self._whole(events[-1]["position"], lambda: self._take_in(events))
                if any(event["kind"] == "forgetting" for event in events):
                    toolkit.scrub()
            return {"position": toolkit.position}

    async def _whole(self, position: int, work: Callable[[], Awaitable[None]]) -> None:
        """Do it in one transaction; after a failure what the design holds in Python is made anew.

        A design whose state is there alone ends: it no longer holds what the log says.
        """
        try:
            with self._opened.transaction(0.0, position):
                await work()
        except Exception:
            self._stale = self._design.state_in_python
            if not self._stale:
                self._make()
            raise

    async def _take_in(self, events: Sequence[Mapping[str, Any]]) -> None:
        for kind, batch in _batches(events, one_by_one=self._one_by_one):
            last = batch[-1]
            with self._opened.turn(last["at"], last["position"], writes=True):
                await self._tell(kind, [event["body"] for event in batch])

    async def _tell(self, kind: str, bodies: Sequence[Mapping[str, Any]]) -> None:
        match kind:
            case "experience":
                await self._memory.update_many([Experience.from_json(body) for body in bodies])
            case "feedback":
                for body in bodies:
                    await self._memory.feedback(body["experiences"], body["signal"])
            case "forgetting":
                for body in bodies:
                    await self._memory.forget(body["experiences"])

    @property
    def _one_by_one(self) -> bool:
        """A model's answer is recorded by log position, so each position must ask by itself, on every replay."""
        return self._design.needs_complete or self._design.update_many is Memory.update_many

    async def _retrieve(self, params: Mapping[str, Any]) -> dict[str, Any]:
        query = Query(**params["query"])
        with self._opened.turn(query.time, self._opened.position, writes=False, salt=query.text):
            retrieval = await self._memory.retrieve(query)
        return checked(retrieval).to_json()

    async def _consolidate(self, _: Mapping[str, Any]) -> dict[str, Any]:
        async with self._applying:
            await self._whole(self._opened.position, self._memory.consolidate)
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


def _batches(
    events: Sequence[Mapping[str, Any]], *, one_by_one: bool
) -> Iterator[tuple[str, Sequence[Mapping[str, Any]]]]:
    """Consecutive events of one kind; only experiences are batched, and only where that is allowed."""
    for kind, group in itertools.groupby(events, key=lambda event: str(event["kind"])):
        if kind == "experience" and not one_by_one:
            yield kind, list(group)
        else:
            yield from ((kind, [event]) for event in group)


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

    worker = Worker(folder, send, reader.feed_eof)
    try:
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                worker.receive(line)
    finally:
        await worker.close()
        transport.close()


def main() -> None:
    """Keep private copies of standard input and output, and give the design empty ones."""
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    incoming, outgoing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    asyncio.run(run(Path(sys.argv[1]), incoming, outgoing))


if __name__ == "__main__":
    main()
