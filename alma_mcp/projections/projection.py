"""A projection: one design's memory of one scope at one position of the experience log.

It can be thrown away and rebuilt from the log at any time. The same class serves in
production and in an evaluation.
"""

import asyncio
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alma_mcp.contract import Query, Retrieval
from alma_mcp.design_store import Design
from alma_mcp.errors import ContractBroken, DesignError, DesignFailed, HostError, WorkerDied
from alma_mcp.hosts import Asks, Host, Worker
from alma_mcp.logs.experience_log import Event, ExperienceLog
from alma_mcp.pace import Pace
from alma_mcp.projections.taking_in import PlacedAsks, TakingIn

Progress = Callable[[int, int], None]
QUARANTINE = "quarantine.json"


@dataclass(frozen=True, slots=True)
class Limits:
    """What the host allows a design: seconds per call, events per transaction.

    After `sleep_seconds` a consolidating design gets no more vectors, and goes on in its next sleep.
    """

    open_seconds: float = 20.0
    apply_seconds: float = 60.0
    retrieve_seconds: float = 3.0
    sleep_seconds: float = 5.0
    batch: int = 64
    first_pause_seconds: float = 0.05


class Projection:
    """Follows the log and answers queries; restarts its worker, sets aside what it cannot digest.

    `aside`: its workers leave the processor to others, for as long as they run.
    """

    def __init__(
        self,
        design: Design,
        scope: str,
        log: ExperienceLog,
        host: Host,
        asks: Asks,
        state: Path,
        limits: Limits | None = None,
        *,
        aside: bool = False,
    ) -> None:
        self.aside = aside
        self.design = design
        self.scope = scope
        self.position = 0
        self._log = log
        self._host = host
        self._asks = PlacedAsks(asks)
        self._folder = state
        self._limits = limits or Limits()
        self._worker: Worker | None = None
        self._starting = asyncio.Lock()
        self._following = asyncio.Lock()
        self._failures = 0
        self._thrown_away = False
        self._calls = 0
        self._suspicious = (0, 0)
        self._died_at = 0
        self._in_python = False
        self._quarantine = _Quarantine(state / QUARANTINE)

    @property
    def quarantined(self) -> list[int]:
        """Positions of events that this design could not take in."""
        return sorted(self._quarantine.positions)

    def reasons(self) -> list[str]:
        """Why the quarantined events could not be taken in, in their order."""
        return [reason for _, reason in sorted(self._quarantine.positions.items())]

    @property
    def memory_bytes(self) -> int:
        return self._worker.memory_bytes if self._worker and self._worker.alive else 0

    @property
    def running(self) -> bool:
        return self._worker is not None and self._worker.alive

    @property
    def busy(self) -> bool:
        """Whether it is answering or taking in something just now."""
        return self._calls > 0 or self._following.locked()

    async def start(self) -> None:
        """Start the worker where none runs. Raises `DesignError` or `HostError`."""
        async with self._starting:
            if self._thrown_away:
                raise HostError("This memory has been replaced; ask again.")
            if self.running:
                return
            await self._end_worker()
            if self._failures:
                await asyncio.sleep(self._limits.first_pause_seconds * 2 ** min(self._failures, 7))
            try:
                self.position = await self._start_worker()
            except DesignError:
                self._failures += 1
                raise
            self._failures = 0

    async def follow(
        self, until: int | None = None, progress: Progress | None = None, pace: Pace | None = None
    ) -> None:
        """Take in the log up to `until`, or to its end; `progress` gets position and end. With a `pace` it lets
        queries go first.

        An event that the design cannot take in, even alone, is quarantined and passed over.
        """
        async with self._following:
            end = until if until is not None else self._log.head(self.scope)
            while self.position < end:
                await self.start()
                started = asyncio.get_running_loop().time()
                events = await self._log.read(self.scope, self.position, self._step(pace))
                if await self._take_in([event for event in events if event.position not in self._quarantine.positions]):
                    self.position = max(self.position, events[-1].position if events else end)
                if progress:
                    progress(min(self.position, end), end)
                if pace:
                    await pace.rest(asyncio.get_running_loop().time() - started)

    async def retrieve(self, query: Query) -> Retrieval:
        """The design's answer. Raises `DesignError`, and restarts a dead worker at the next call."""
        await self.start()
        assert self._worker is not None
        self._asks.foresee(query.text)
        self._calls += 1
        try:
            answer = await self._worker.call("retrieve", {"query": _json(query)}, self._limits.retrieve_seconds)
        finally:
            self._calls -= 1
        try:
            return Retrieval.from_json(answer)
        except (KeyError, TypeError, ValueError) as error:
            raise ContractBroken(f"The design {self.design.name} gave an answer that is no Retrieval.") from error

    async def consolidate(self) -> bool:
        """Let the design sleep: merge, compress, archive. Gives whether it wanted more vectors than there was time for.

        Raises `DesignError`.
        """
        async with self._following:
            await self.start()
            assert self._worker is not None
            ends = asyncio.get_running_loop().time() + self._limits.sleep_seconds
            with self._asks.during(TakingIn(self.position, self.position, ends)):
                await self._worker.call("consolidate", {}, self._limits.apply_seconds)
            return self._asks.cut

    async def close(self) -> None:
        """End the worker; what it has committed stays."""
        async with self._starting:
            await self._end_worker()

    async def destroy(self) -> None:
        """End the worker for good and throw its state away."""
        self._thrown_away = True
        await self.close()
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    def _step(self, pace: Pace | None) -> int:
        """How many events to take at once: one by one where a batch failed, to find the one that does it."""
        first, last = self._suspicious
        if first <= self.position < last:
            return 1
        return pace.step(self._limits.batch) if pace else self._limits.batch

    async def _take_in(self, events: Sequence[Event]) -> bool:
        """Apply events in one transaction; False where the log must be read again from where the design stands.

        A design whose state lives in Python stands at the beginning again after a failure. An event is not blamed for
        a worker's first death: somebody else may have ended it.
        """
        if not events:
            return True
        assert self._worker is not None
        try:
            params = {"events": [event.to_json() for event in events]}
            with self._asks.during(TakingIn(events[-1].position, self.position)):
                await self._worker.call("apply", params, self._limits.apply_seconds)
        except DesignError as error:
            last = events[-1].position
            if len(events) > 1:
                self._suspicious = (self.position, last)
            elif isinstance(error, WorkerDied) and self._died_at != last:
                self._died_at = last
            else:
                self._quarantine.add(last, str(error))
            if self._in_python:
                await self.close()
            return False
        return True

    async def _start_worker(self) -> int:
        state = self._folder / "state"
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        opened = await self._open(state)
        if opened["state_in_python"] and opened["position"]:
            await self._end_worker()
            await asyncio.to_thread(shutil.rmtree, state)
            state.mkdir(mode=0o700)
            opened = await self._open(state)
        self._in_python = bool(opened["state_in_python"])
        return int(opened["position"])

    async def _open(self, state: Path) -> dict[str, Any]:
        self._worker = await self._host.start(self.design, state, self._asks)
        params = {"source": self.design.source, "seed": self.design.id}
        opened = await self._worker.call("open", params, self._limits.open_seconds)
        if not isinstance(opened, dict) or not isinstance(opened.get("position"), int):
            raise DesignFailed(f"The design {self.design.name} did not open as the contract says.")
        if self.aside:
            self._worker.step_aside()  # whole by now: what it started before would not step aside with it
        return opened

    async def _end_worker(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.close()


def set_aside_in(state: Path) -> int:
    """How many events are set aside in the folder of a projection that need not be open."""
    return len(_Quarantine(state / QUARANTINE).positions)


class _Quarantine:
    """Positions set aside, with the reason, in a file the design cannot reach."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.positions: dict[int, str] = {}
        if path.is_file():
            self.positions = {int(position): reason for position, reason in json.loads(path.read_text()).items()}

    def add(self, position: int, reason: str) -> None:
        self.positions[position] = reason
        self._path.write_text(json.dumps(self.positions, indent=1))


def _json(query: Query) -> dict[str, object]:
    return {"text": query.text, "context": query.context, "limit": query.limit, "time": query.time}
