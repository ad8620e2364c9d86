"""Where a search plays its candidates, by name."""

import contextlib
from collections.abc import AsyncIterator
from typing import Literal, get_args

from alma_mcp.errors import EvolveError
from alma_mcp.home import Home
from evolve.benchmarks import Benchmark, Prepares
from evolve.config import SearchSettings
from evolve.episodes import Episodes
from evolve.evaluate import Progress
from evolve.evaluated_memory import Laboratory
from evolve.runners import Runner
from evolve.runners.bench import BenchSettings
from evolve.runners.local import LocalRunner

RunnerName = Literal["local", "ray"]
RUNNERS: tuple[RunnerName, ...] = get_args(RunnerName)


@contextlib.asynccontextmanager
async def open_runner(
    name: RunnerName,
    settings: SearchSettings,
    home: Home,
    benchmark: Benchmark,
    laboratory: Laboratory,
    *,
    address: str = "",
    width: int | None = None,
    progress: Progress | None = None,
) -> AsyncIterator[Runner]:
    """This machine, or the Ray cluster at an address; `width` jobs at once, one here and what there is room for there.

    Before jobs leave this machine, everything is collected here, so that it is played once. Raises `EvolveError`.
    """
    match name:
        case "local":
            yield LocalRunner(benchmark, laboratory, width or 1)
        case "ray":
            try:
                from evolve.runners.ray import open_ray  # noqa: PLC0415 - an extra
            except ModuleNotFoundError as error:
                raise EvolveError("The runner `ray` needs Ray: pip install 'alma-mcp[ray]'.") from error
            if not address:
                raise EvolveError(
                    "The runner `ray` needs a cluster: --address HOST:PORT, as `ray start --head` says it."
                )
            if isinstance(benchmark, Prepares):
                await benchmark.prepare("search", progress)
            sent, episodes = BenchSettings.of(settings, home), Episodes(home.episodes)
            async with open_ray(address, sent, benchmark.name, episodes, width=width) as runner:
                yield runner
