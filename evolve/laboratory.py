"""The laboratory of this machine: the sandbox and the embedder that evaluations share; a benchmark by its name."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from alma_mcp.design_store import DesignStore
from alma_mcp.embedding import make_embedder
from alma_mcp.errors import EvolveError
from alma_mcp.hosts.choose import choose_host
from evolve.benchmarks import Benchmark, git_history, locomo
from evolve.evaluate import Laboratory

BENCHMARKS = ("locomo", "git_history")


@contextlib.asynccontextmanager
async def open_laboratory(store: DesignStore, embedder: str = "onnx") -> AsyncIterator[Laboratory]:
    """Choose the sandbox and the embedder as the server does."""
    host = await choose_host(store)
    try:
        yield Laboratory(host, make_embedder(embedder))
    finally:
        await host.close()


def open_benchmark(name: str, data: Path | None, scopes: int | None = None) -> Benchmark:
    """A benchmark over its data, at the default place where none is named. Raises `EvolveError`."""
    match name:
        case "locomo":
            return locomo.Locomo(data or locomo.DEFAULT_DATA, scopes)
        case "git_history":
            return git_history.GitHistory(data or git_history.DEFAULT_DATA)
        case _:
            raise EvolveError(f"There is no benchmark {name!r}; there are: {', '.join(BENCHMARKS)}.")
