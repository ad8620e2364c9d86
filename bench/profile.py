"""Where the milliseconds of one `retrieve` go: from the client's line down to each mechanism of the default champion.

    python -m bench.profile [--size 10000]

The first rows are what a client sees at the pump. The others are taken in this process, on the memory that the engine
has just built: the sandbox and its pipe are not in them. Stored texts have random vectors (`bench.made_vectors`).
"""

import argparse
import asyncio
import base64
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from alma_mcp.contract import Query, RankedMemory
from alma_mcp.design_store import bundled_designs
from alma_mcp.embedders.onnx import OnnxEmbedder
from alma_mcp.worker_design import load_design
from alma_mcp.worker_toolkit import DesignToolkit
from bench.home import BenchHome
from bench.texts import question

ASKED = 150
PAUSE_SECONDS = 0.02


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", type=int, default=10_000, help="number of memories")
    size = parser.parse_args().size
    with tempfile.TemporaryDirectory(prefix="alma-profile-") as folder:
        home = BenchHome(Path(folder), "onnx")
        home.fill(size)
        home.make_vectors(size)
        try:
            home.take_in(size)
            home.warm_up()
            rows = seen_by_a_client(home, size)
        finally:
            home.stop()
        rows |= asyncio.run(in_the_design(next(home.home.projections.rglob("memory.db")).parent, size))
    table = Table("one `retrieve`, median ms", f"{size:,} memories")
    for name, value in rows.items():
        table.add_row(name, f"{value:.2f}")
    Console().print(table)


def seen_by_a_client(home: BenchHome, size: int) -> dict[str, float]:
    """Milliseconds at the pump."""
    questions = [question(number * 7919 % size) for number in range(ASKED)]
    with home.client() as client:
        nothing = [client.timed("retrieve", query="zzzz") for _ in questions]
        new = [client.timed("retrieve", query=each) for each in questions]
        again = [client.timed("retrieve", query=each) for each in questions]
        listed = []
        for _ in questions:
            started = time.perf_counter()
            client.request("tools/list", {})
            listed.append((time.perf_counter() - started) * 1000)
    names = ("`tools/list`: pump, socket, SDK", "no word in common, asked before", "asked before", "new question")
    return {name: statistics.median(times) for name, times in zip(names, (listed, nothing, again, new), strict=True)}


async def in_the_design(state: Path, size: int) -> dict[str, float]:
    """Milliseconds of each part, in this process."""
    embedder = OnnxEmbedder()
    await embedder.load()

    async def ask(_: str, params: Mapping[str, Any]) -> list[str]:
        return [base64.b64encode(each.tobytes()).decode() for each in await embedder.embed(params["texts"])]

    design = bundled_designs()["hybrid"]
    toolkit = DesignToolkit(state, design.id, ask)
    queries = [Query(question(number * 7919 % size), time=float(size)) for number in range(ASKED)]
    rows = {"embedding the question, after a pause of 20 ms": await _embedding(embedder, queries)}
    with toolkit.transaction(0.0, toolkit.position):
        memory = load_design(design.source)(toolkit)
    assert isinstance(memory, RankedMemory)
    with toolkit.turn(float(size), toolkit.position, writes=False):
        found = [await _found(memory, query) for query in queries]
        for mechanism in memory.weights:
            rank = getattr(memory, f"rank_{mechanism}")
            rows[f"design: {mechanism}"] = await _median(
                [lambda i=i, rank=rank: rank(queries[i], found[i]) for i in range(ASKED)]
            )
        rows["design: all of it, with the texts of ten items"] = await _median(
            [lambda query=query: memory.retrieve(query) for query in queries]
        )
    toolkit.close()
    return rows


async def _embedding(embedder: OnnxEmbedder, queries: list[Query]) -> float:
    times = []
    for query in queries:
        await asyncio.sleep(PAUSE_SECONDS)
        started = time.perf_counter()
        await embedder.embed([query.text])
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


async def _found(memory: RankedMemory, query: Query) -> list[int]:
    """What the mechanisms that find have found, for those that only order."""
    finders = ("document", "passages", "vectors", "paths")
    ranked = [await getattr(memory, f"rank_{name}")(query, []) for name in finders]
    return list(dict.fromkeys(key for keys in ranked for key in keys))


async def _median(calls: list[Callable[[], Awaitable[Any]]]) -> float:
    times = []
    for call in calls:
        started = time.perf_counter()
        await call()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


if __name__ == "__main__":
    main()
