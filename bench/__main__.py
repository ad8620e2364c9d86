"""`make bench`: what a user waits for, measured through real processes on this machine.

    python -m bench [--sizes 1000,10000,100000] [--embedder onnx] [--made-vectors] [--no-swap] [--json]

Each size is a fresh home filled with made notes, taken in by the default champion. Times are what a thin client sees
at the pump. The swap is from `hybrid` to `lexical`; rollback is the command's effect on the next answer.
"""

import argparse
import json
import platform
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.home import BenchHome

QUERIES = 200
STARTS = 9
SWAP = ("swap, seconds", "rollback", "calls during swap", "failed during swap")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", default="1000,10000,100000", help="numbers of memories, comma-separated")
    parser.add_argument("--embedder", default="onnx", help="as in configs/serve.toml")
    parser.add_argument("--made-vectors", action="store_true", help="random vectors for what is stored: no embedding")
    parser.add_argument("--no-swap", action="store_true", help="do not measure a swap, which takes everything in again")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    chosen = parser.parse_args()
    results = [
        measure(int(size), chosen.embedder, made_vectors=chosen.made_vectors, swaps=not chosen.no_swap)
        for size in chosen.sizes.split(",")
    ]
    if chosen.json:
        print(json.dumps(results))
    else:
        show(results, chosen.embedder)


def measure(size: int, embedder: str, *, made_vectors: bool, swaps: bool) -> dict[str, float]:
    """Every figure for one number of memories; times in milliseconds, memory in megabytes."""
    with tempfile.TemporaryDirectory(prefix="alma-bench-") as folder:
        home = BenchHome(Path(folder), embedder)
        say(f"{size:,} memories: filling the log")
        home.fill(size)
        if made_vectors:
            home.make_vectors(size)
        try:
            say(f"{size:,} memories: the design takes them in")
            taken_in = home.take_in(size)
            say(f"{size:,} memories: measuring")
            cold = home.cold_start()
            home.warm_up()
            warm = [home.warm_start() for _ in range(STARTS)]
            with home.client() as client:
                retrieves = home.retrieves(client, size, QUERIES)
                updates = home.updates(client, size, QUERIES)
            megabytes = home.megabytes()
            swapped = home.swap_and_roll_back(size) if swaps else ()
        finally:
            home.stop()
    return {
        "memories": size,
        "taking in, seconds": taken_in,
        "cold start to tools/list": cold,
        "warm start to tools/list": statistics.median(warm),
        **percentiles("retrieve", retrieves),
        **percentiles("update", updates),
        "engine, MB": megabytes[0],
        "workers, MB": megabytes[1],
        **dict(zip(SWAP, swapped, strict=False)),
    }


def percentiles(name: str, times: Sequence[float]) -> dict[str, float]:
    cuts = statistics.quantiles(times, n=100)
    return {f"{name} p{cut}": cuts[cut - 1] for cut in (50, 95, 99)}


def show(results: Sequence[dict[str, float]], embedder: str) -> None:
    table = Table(title=f"alma-mcp on {platform.machine()}, Python {platform.python_version()}, embedder {embedder}")
    table.add_column("milliseconds, unless said otherwise")
    for result in results:
        table.add_column(f"{int(result['memories']):,}", justify="right")
    for name in list(results[0])[1:]:
        table.add_row(name, *(f"{result[name]:,.1f}" for result in results))
    Console().print(table)


def say(text: str) -> None:
    sys.stderr.write(f"bench: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
