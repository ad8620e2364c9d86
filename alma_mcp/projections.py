"""One design's projections over all scopes: opened on demand, bounded in number, ended when idle."""

import asyncio
import hashlib
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from alma_mcp.design_store import Design
from alma_mcp.errors import HostError
from alma_mcp.experience_log import ExperienceLog
from alma_mcp.generation import Generation
from alma_mcp.hosts import Asks, Host
from alma_mcp.projection import Limits, Projection


class Projections:
    """What one design remembers, a projection for each scope; `most` of them run at once.

    They lie in the folder of `generation`, where there is one; `outdated` says whether it was built
    with another embedder than the one that is chosen now.
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
            state = self._folder / hashlib.sha256(scope.encode()).hexdigest()[:16]
            asks = self._asks(self.design, scope)
            self._open[scope] = Projection(self.design, scope, self._log, self._host, asks, state, self._limits)
        self._used[scope] = asyncio.get_running_loop().time()
        return self._open[scope]

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

            await self.of(scope).follow(progress=report)
            await self.reap(older_than=float("inf"))
            done = before + share
            progress(done, total)

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

    async def close(self) -> None:
        projections, self._open = list(self._open.values()), {}
        for projection in projections:
            await projection.close()
