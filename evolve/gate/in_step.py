"""Two evaluations in step: neither begins a task while it is too far ahead of the other."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from evolve.benchmarks import Benchmark, KnowsPopular, Played, Recall, Scope, Split, Task

AHEAD = 5
"""So many tasks one side may be ahead of the other."""

Turn = Callable[[], Awaitable[None]]


class Pace:
    """Of two sides, 0 and 1: one that is too many tasks ahead waits for the other, or for its end."""

    def __init__(self, ahead: int = AHEAD) -> None:
        self._ahead = ahead
        self._counts = [0, 0]
        self._alone = False
        self._moved = asyncio.Event()

    def done(self, side: int, count: int) -> None:
        """A side has so many tasks behind it, those that it needed not play among them."""
        self._counts[side] = count
        self._wake()

    def leave(self) -> None:
        """A side has ended; the other waits no more."""
        self._alone = True
        self._wake()

    async def wait(self, side: int) -> None:
        while not self._alone and self._counts[side] - self._counts[1 - side] >= self._ahead:
            await self._moved.wait()

    def _wake(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()


def in_step(benchmark: Benchmark, scopes: Sequence[Scope], turn: Turn) -> Benchmark:
    """The benchmark with these scopes, prepared already, whose tasks wait for their turn."""
    if isinstance(benchmark, KnowsPopular):
        return _InStepKnowingPopular(benchmark, benchmark, scopes, turn)
    return _InStep(benchmark, scopes, turn)


class _InStep:
    """Implements `Benchmark`."""

    def __init__(self, benchmark: Benchmark, scopes: Sequence[Scope], turn: Turn) -> None:
        self.name, self.primary = benchmark.name, benchmark.primary
        self._benchmark = benchmark
        self._scopes = scopes
        self._turn = turn

    def scopes(self, _: Split) -> Sequence[Scope]:
        return self._scopes

    async def play(self, scope: Scope, task: Task, recall: Recall) -> Played:
        await self._turn()
        return await self._benchmark.play(scope, task, recall)


class _InStepKnowingPopular(_InStep):
    """Implements `Benchmark` and `KnowsPopular`."""

    def __init__(self, benchmark: Benchmark, knows: KnowsPopular, scopes: Sequence[Scope], turn: Turn) -> None:
        super().__init__(benchmark, scopes, turn)
        self._knows = knows

    def popular(self, scope: Scope, task: Task) -> float:
        return self._knows.popular(scope, task)
