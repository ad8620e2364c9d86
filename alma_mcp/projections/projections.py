"""One design's projections over all scopes: opened on demand, bounded in number, ended when idle."""

import asyncio
import hashlib
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from alma_mcp.design_store import Design
from alma_mcp.errors import DesignError, HostError
from alma_mcp.hosts import Asks, Host
from alma_mcp.hosts.bounds import size_of
from alma_mcp.logs.experience_log import ExperienceLog
from alma_mcp.pace import Pace
from alma_mcp.projections.generation import Generation
from alma_mcp.projections.projection import Limits, Projection, set_aside_in

MOST_SLEEPS = 2000  # of five seconds each: a million passages; a design that never has enough is let off


class Projections:
    """What one design remembers, a projection for each scope; `most` of them run at once.

    They lie in the folder of `generation`, where there is one; `outdated` says whether it was built
    with another embedder than the one that is chosen now. `pace` holds their building back while queries come.
    """

    def __init__(
        self,
        design: Design,
        log: ExperienceLog,
        host: Host,
        asks: Callable[[Design, str], Asks],
        folder: Path,
        most: int,
        limits: Limits,
        generation: Generation | None = None,
        outdated: Callable[[], bool] = lambda: False,
        pace: Pace | None = None,
    ) -> None:
        self.design = design
        self.generation = generation
        self.is_outdated = outdated
        self._log = log
        self._host = host
        self._asks = asks
        self._folder = generation.folder if generation else folder / design.short
        self._most = most
        self._limits = limits
        self._pace = pace
        self._aside = False
        self._open: dict[str, Projection] = {}
        self._used: dict[str, float] = {}
        self._thrown_away = False

    @property
    def scopes(self) -> list[str]:
        """The scopes whose worker is open."""
        return list(self._open)

    @property
    def memory_bytes(self) -> int:
        return sum(projection.memory_bytes for projection in self._open.values())

    @property
    def quarantined(self) -> int:
        return sum(len(projection.quarantined) for projection in self._open.values())

    def of(self, scope: str) -> Projection:
        """The projection of a scope, opened where it is not. Raises `HostError` where all have been thrown away."""
        if self._thrown_away:
            raise HostError("This memory has been replaced; ask again.")
        if scope not in self._open:
            asks, state = self._asks(self.design, scope), self._state(scope)
            self._open[scope] = Projection(
                self.design, scope, self._log, self._host, asks, state, self._limits, aside=self._aside
            )
        self._used[scope] = asyncio.get_running_loop().time()
        return self._open[scope]

    async def build_aside(self, scopes: Iterable[str], progress: Callable[[int, int], None]) -> None:
        """As `build`, by workers that leave the processor to others, and end with it."""
        self._aside = True
        try:
            await self.build(scopes, progress)
        finally:
            self._aside = False
            await self.close()

    async def build(self, scopes: Iterable[str], progress: Callable[[int, int], None]) -> None:
        """Bring the projections of these scopes to the end of the log, one after the other.

        `progress` gets the events taken in and their number. Raises `DesignError` or `HostError`.
        """
        counts = self._log.counts()
        wanted = [scope for scope in scopes if counts.get(scope)]
        total = sum(counts[scope] for scope in wanted)
        done = 0
        for scope in wanted:
            before, share = done, counts[scope]

            def report(position: int, end: int, before: int = before, share: int = share) -> None:
                progress(before + share * position // max(end, 1), total)

            await self.of(scope).follow(progress=report, pace=self._pace)
            await self.reap(older_than=float("inf"))
            done = before + share
            progress(done, total)

    async def fill(self) -> bool:
        """Have embedded what waits for an embedder, a sleep after the other; False where some of it goes on waiting."""
        for scope in sorted(self.generation.waiting) if self.generation else ():
            if not await self._fill(scope):
                return False
        return True

    async def _fill(self, scope: str) -> bool:
        assert self.generation is not None
        for _ in range(MOST_SLEEPS):
            before = self.generation.refusals
            try:
                wants_more = await self.of(scope).consolidate()
            except (DesignError, HostError):
                return False
            if self.generation.refusals != before:
                return False
            if not wants_more:
                break
        self.generation.filled(scope)
        return True

    def set_aside(self, scopes: Iterable[str]) -> int:
        """How many events of these scopes could not be taken in, whether their projections are open or not."""
        return sum(set_aside_in(self._state(scope)) for scope in scopes)

    async def disk_bytes(self) -> int:
        """What they keep on the disk."""
        return await asyncio.to_thread(size_of, self._folder)

    async def reap(self, older_than: float) -> None:
        """End the workers idle for longer (seconds), and the longest idle ones above the bound."""
        now = asyncio.get_running_loop().time()
        by_age = sorted((scope for scope in self._open if not self._open[scope].busy), key=self._used.__getitem__)
        surplus = len(self._open) - self._most
        for number, scope in enumerate(by_age):
            if number < surplus or now - self._used[scope] > older_than:
                self._used.pop(scope)
                await self._open.pop(scope).close()

    def serve(self) -> None:
        """They are the ones that answer from now on."""
        if self.generation:
            self.generation.serve()

    async def destroy(self) -> None:
        """End the workers for good and throw away what they remember."""
        self._thrown_away = True
        projections, self._open = list(self._open.values()), {}
        for projection in projections:
            await projection.destroy()
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    def _state(self, scope: str) -> Path:
        return self._folder / hashlib.sha256(scope.encode()).hexdigest()[:16]

    async def close(self) -> None:
        projections, self._open = list(self._open.values()), {}
        for projection in projections:
            await projection.close()
