"""All servers in one run, turn by turn, so that what else the machine does falls on all of them alike."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio
from mcp import MCPError

from bench.peers.install import why_not
from bench.peers.line import AtSize, Line, Start, Writers
from bench.peers.peers import Peer
from bench.peers.session import Refused, ServerHome, Session

SEARCHES_A_ROUND = 40
STORES_A_ROUND = 20
BEYOND = 1_000_000
STRIDE = 7919
SESSIONS = (1, 4)
WRITERS = 2
WRITES = 50
FILLING = 1 / 2
FAILURES = (
    OSError,
    TimeoutError,
    MCPError,
    Refused,
    ValueError,
    RuntimeError,
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
    anyio.EndOfStream,
    ExceptionGroup,
)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured.

    `budget`: seconds for each server at each size, half of them for filling it; and as many once more for its memory
    and its writers.
    """

    sizes: Sequence[int] = (1000,)
    rounds: int = 5
    budget: float = 150.0


class Contender:
    """One server in the run: its home, its line, and its turns. A turn that fails leaves its reason on the line."""

    def __init__(self, peer: Peer, folder: Path, plan: Plan) -> None:
        self._peer = peer
        self._plan = plan
        self._folder = folder / peer.name
        self._home = ServerHome(peer, self._folder / "filled")
        self._left = plan.budget
        self._stored = 0
        self._more = BEYOND
        self._keeps_running = False
        self.line = Line(peer.name, peer.version, peer.ran_with, peer.semantic)
        if reason := why_not(peer):
            self.line.failures["start"] = reason

    async def fill(self, size: int, turn: int) -> None:
        """Store the share of this turn of a size, and wait until it can be found."""
        figures = self.line.sizes.setdefault(size, AtSize())
        target = self._stored + (size - self._stored) // (self._plan.rounds - turn)
        started = time.perf_counter()
        deadline = started + self._plan.budget * FILLING / self._plan.rounds
        async with self._home.session() as session:
            self.line.tools, self.line.tokens = session.tools.count, session.tools.tokens
            while self._stored < target and time.perf_counter() < deadline:
                figures.refused += not await self._stored_one(session)
            figures.asked = self._stored
            await session.settle()
        self._keeps_running = self._home.running()
        figures.filling += time.perf_counter() - started

    async def ask(self, size: int, turn: int) -> None:
        """Start cold, and warm where the server leaves something running; search, and store a little more."""
        figures = self.line.sizes[size]
        if not figures.asked:
            raise Refused("nothing is stored")
        if self._keeps_running:
            async with self._home.session() as session:
                await self._first_answers(session, "cold")
        async with self._home.session() as session:
            await self._first_answers(session, "warm" if self._keeps_running else "cold")
            for number in range(turn * SEARCHES_A_ROUND, (turn + 1) * SEARCHES_A_ROUND):
                spent, hit = await session.search(number * STRIDE % figures.asked)
                figures.searches.append(spent)
                figures.hits += hit
            for number in range(self._more, self._more + STORES_A_ROUND):
                with contextlib.suppress(Refused):
                    figures.stores.append(await session.store(number))
            self._more += STORES_A_ROUND
            await session.settle()

    async def hold(self, _size: int, _turn: int) -> None:
        """Memory with one session open, and with several, each of which has searched once."""
        for count in SESSIONS:
            async with contextlib.AsyncExitStack() as stack:
                for number in range(count):
                    session = await stack.enter_async_context(self._home.session())
                    await session.search(number)
                held = self._home.memory()
            self.line.resident[count], self.line.proportional[count] = held.resident, held.proportional
            self._home.end()

    async def write_at_once(self, _size: int, _turn: int) -> None:
        """Two sessions on a fresh home that write at the same time; then what is left of it is looked for."""
        home = ServerHome(self._peer, self._folder / "written")
        try:
            async with contextlib.AsyncExitStack() as stack:
                sessions = [await stack.enter_async_context(home.session()) for _ in range(WRITERS)]
                outcomes = await asyncio.gather(
                    *(
                        _write(session, range(first * WRITES, (first + 1) * WRITES))
                        for first, session in enumerate(sessions)
                    )
                )
            home.end()
            acknowledged = [number for numbers in outcomes for number in numbers]
            writes = WRITERS * WRITES
            lost = len(home.lacks(acknowledged))
            async with home.session() as session:
                await session.settle()
                found = sum([(await session.search(number))[1] for number in acknowledged])
            self.line.writers = Writers(writes, len(acknowledged), writes - len(acknowledged), lost, found)
        finally:
            home.end()

    async def take(self, part: str, turn: Callable[[], Awaitable[None]]) -> None:
        """Take a turn within what is left of the budget; afterwards no process of this server runs."""
        if {"start", part} & set(self.line.failures):
            return
        started = time.perf_counter()
        try:
            with anyio.fail_after(self._left):
                await turn()
        except FAILURES as error:
            out_of_time = time.perf_counter() - started >= self._left
            reason = f"its {self._plan.budget:g} seconds were used up" if out_of_time else _reason(error)
            self.line.failures[part if self.line.tools else "start"] = reason
        finally:
            self._home.end()
            spent = time.perf_counter() - started
            self._left -= spent
            self.line.seconds += spent

    def refresh(self) -> None:
        """Give the whole budget again."""
        self._left = self._plan.budget

    async def _stored_one(self, session: Session) -> bool:
        """Store the next note; gives whether it was acknowledged. Raises `Refused` when the very first is not."""
        try:
            spent = await session.store(self._stored)
        except Refused:
            if self.line.first_store is None:
                raise
            return False
        finally:
            self._stored += 1
        if self.line.first_store is None:
            self.line.first_store = spent
        return True

    async def _first_answers(self, session: Session, start: Start) -> None:
        await session.search(self._more)
        self._more += 1
        self.line.to_tools.setdefault(start, []).append(session.to_tools)
        self.line.to_search.setdefault(start, []).append(session.age())


@dataclass(frozen=True, slots=True)
class Step:
    """A part of the measurement, taken in so many turns."""

    part: str
    turn: Callable[[Contender, int, int], Awaitable[None]]
    rounds: int


async def measure(peers: Sequence[Peer], folder: Path, plan: Plan, say: Callable[[str], None]) -> list[Line]:
    """The lines of all peers, in homes made in the folder. `say` hears what is being done."""
    contenders = [Contender(peer, folder, plan) for peer in peers]
    first, *_ = plan.sizes
    phases: list[tuple[int, list[Step]]] = []
    for size in plan.sizes:
        filling = Step(f"store at {size:,}", Contender.fill, plan.rounds)
        asking = Step(f"search at {size:,}", Contender.ask, plan.rounds)
        phases.append((size, [filling, asking]))
        if size == first:
            phases.append((size, [Step("memory", Contender.hold, 1), Step("writers", Contender.write_at_once, 1)]))
    for size, steps in phases:
        for contender in contenders:
            contender.refresh()
        for step in steps:
            for turn in range(step.rounds):
                for contender in contenders:
                    say(f"{step.part}, {turn + 1} of {step.rounds}: {contender.line.peer}")
                    await contender.take(step.part, partial(step.turn, contender, size, turn))
    return [contender.line for contender in contenders]


async def _write(session: Session, numbers: Sequence[int]) -> list[int]:
    """Store these notes; gives those that were acknowledged."""
    acknowledged = []
    for number in numbers:
        with contextlib.suppress(Refused, MCPError, TimeoutError):
            await session.store(number)
            acknowledged.append(number)
    return acknowledged


def _reason(error: BaseException) -> str:
    """One line on why something failed."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]
