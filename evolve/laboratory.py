"""The laboratory of this machine: the sandbox and the embedder that evaluations share; a benchmark by its name."""

import contextlib
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

from alma_mcp.design_store import DesignStore
from alma_mcp.embedding import make_embedder
from alma_mcp.errors import EvolveError
from alma_mcp.home import Home
from alma_mcp.hosts.choose import choose_host
from alma_mcp.logs.recordings import Recordings
from alma_mcp.toolkit import Completer
from alma_mcp.vector_cache import VectorCache
from evolve.benchmarks import (
    BENCHMARKS,
    Benchmark,
    BenchmarkName,
    beam,
    coding_stream,
    git_history,
    locomo,
    longmemeval,
    replay,
    swebench_stream,
)
from evolve.benchmarks.episodic import Episodic
from evolve.config import PlaySettings
from evolve.domains import open_domain
from evolve.evaluated_memory import Laboratory

CALLS = 3000
"""What one memory may ask of a model in all its evaluations."""


@contextlib.asynccontextmanager
async def open_laboratory(
    store: DesignStore, home: Home, embedder: str = "onnx", completer: Completer | None = None, model: str = ""
) -> AsyncIterator[Laboratory]:
    """Choose the sandbox and the embedder as the server does; what was embedded once is kept in the home's data.

    `completer` answers what designs ask of a model; what it has answered is kept by `model`, its name, so that a
    memory that is filled once more asks nobody.
    """
    async with contextlib.AsyncExitStack() as stack:
        vectors = await VectorCache.open(home.data / "embeddings.db")
        stack.push_async_callback(vectors.close)
        answers = None
        if completer:
            file = f"answers-{hashlib.sha256(model.encode()).hexdigest()[:12]}.db"
            answers = await Recordings.open(home.data / file)
            stack.push_async_callback(answers.close)
        host = await choose_host(store)
        stack.push_async_callback(host.close)
        yield Laboratory(host, make_embedder(embedder), completer, CALLS if completer else 0, vectors, answers)


@contextlib.asynccontextmanager
async def open_benchmark(
    name: BenchmarkName, data: Path | None, home: Home, scopes: int | None = None, play: PlaySettings | None = None
) -> AsyncIterator[Benchmark]:
    """A benchmark over its data, at the default place where none is named; `scopes` bounds it for a quick look.

    Environments and agents that it needs end with the context. Raises `EvolveError`, `NoSandbox`.
    """
    match name:
        case "alfworld" | "textworld" | "babaisai" | "minihack":
            async with open_domain(name, data, home, scopes, play or PlaySettings()) as domain:
                yield domain
        case _:
            yield _over_data(name, data, home, scopes)


def _over_data(name: BenchmarkName, data: Path | None, home: Home, scopes: int | None) -> Benchmark:
    match name:
        case "locomo":
            return locomo.Locomo(data or locomo.DEFAULT_DATA, scopes)
        case "locomo_turns":
            return locomo.Locomo(data or locomo.DEFAULT_DATA, scopes, "turns")
        case "beam":
            return beam.Beam(data or beam.DEFAULT_DATA, scopes)
        case "coding_stream":
            return coding_stream.CodingStream(data or coding_stream.DEFAULT_DATA)
        case "swebench_stream":
            return swebench_stream.SwebenchStream(data or swebench_stream.DEFAULT_DATA)
        case "longmemeval":
            return longmemeval.LongMemEval(data or home.data / longmemeval.FILE, scopes)
        case "git_history":
            return git_history.GitHistory(data or git_history.DEFAULT_DATA)
        case "replay":
            return replay.Replay(Home(data) if data else home)
    raise EvolveError(f"There is no benchmark {name!r}; there are: {', '.join(BENCHMARKS)}.")


def completer_of(benchmark: Benchmark) -> Completer | None:
    """The model that answers designs on a benchmark: that of its agent, where it has one."""
    return benchmark.completer if isinstance(benchmark, Episodic) else None


def memory_model(play: PlaySettings) -> str:
    """The model that answers designs, by the name that it is priced under."""
    return play.memory_model or play.agent


def model_of(play: PlaySettings) -> str:
    """The same and where it is asked: what is kept of its answers belongs to both."""
    return f"{memory_model(play)} at {play.agent_url}"
