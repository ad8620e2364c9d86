"""A benchmark and its laboratory from plain settings, wherever they are opened."""

import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from alma_mcp.design_store import DesignStore
from alma_mcp.home import Home, default_home
from evolve.benchmarks import Benchmark, BenchmarkName
from evolve.config import PlaySettings, SearchSettings
from evolve.evaluated_memory import Laboratory
from evolve.laboratory import completer_of, model_of, open_benchmark, open_laboratory

SHARED = "*-without-memory-*.jsonl"
"""The files of a home's episodes that all designs share: what was collected, and games played without memory."""


@dataclass(frozen=True, slots=True)
class BenchSettings:
    """What is opened. `data` and `home` are paths on the machine that opens it; without a home it is the user's own.

    `collected` is what was played already without memory: the text of each file of episodes, by its name. It is laid
    into the home before, so that all memories are filled with the same episodes wherever they are.
    """

    benchmark: BenchmarkName
    data: str | None = None
    scopes: int | None = None
    embedder: str = "onnx"
    play: Mapping[str, Any] = field(default_factory=dict)
    home: str | None = None
    collected: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: SearchSettings, home: Home) -> Self:
        """Those of a search, with what its home has collected so far."""
        data = str(settings.data.expanduser().absolute()) if settings.data else None
        files = sorted(home.episodes.glob(SHARED))
        collected = {path.name: path.read_text(encoding="utf-8") for path in files}
        play = settings.play.model_dump(mode="json")
        return cls(
            settings.benchmark, data, settings.scopes, settings.embedder, play, str(home.path.absolute()), collected
        )

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        return cls(**json.loads(text))


@dataclass(frozen=True, slots=True)
class Bench:
    """A benchmark that is open, in its home."""

    benchmark: Benchmark
    laboratory: Laboratory
    home: Home


@contextlib.asynccontextmanager
async def open_bench(text: str) -> AsyncIterator[Bench]:
    """Open what these settings, as JSON, say. Raises as `open_benchmark` and `open_laboratory` do."""
    settings = BenchSettings.from_json(text)
    home = Home(Path(settings.home) if settings.home else default_home())
    _lay(settings.collected, home)
    data = Path(settings.data) if settings.data else None
    play = PlaySettings(**settings.play)
    async with open_benchmark(settings.benchmark, data, home, settings.scopes, play) as benchmark:
        store, completer = DesignStore(home.designs), completer_of(benchmark)
        async with open_laboratory(store, home, settings.embedder, completer, model_of(play)) as laboratory:
            yield Bench(benchmark, laboratory, home)


def _lay(collected: Mapping[str, str], home: Home) -> None:
    """Add to the files of episodes the lines that they have not."""
    for name, text in collected.items():
        path = home.episodes / Path(name).name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        there = set(path.read_text(encoding="utf-8").splitlines()) if path.exists() else set()
        missing = [line for line in text.splitlines() if line not in there]
        with path.open("a", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in missing))
