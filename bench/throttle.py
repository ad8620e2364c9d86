"""What a client waits while a challenger is being built: `python -m bench.throttle [--size 10000] [--rounds 3]`.

Eight clients ask at a steady rate, each time something new. In each round, on a fresh copy of a home that the default
champion has taken in: first with nothing else to do, then while a challenger takes everything in and embeds it (the
champion with a comment, and none of its texts embedded yet). Times are what a client sees at the pump.
"""

import argparse
import asyncio
import shutil
import sqlite3
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Self

from alma_mcp.control import control
from alma_mcp.design_store import Design, bundled_designs
from alma_mcp.home import Home
from bench.__main__ import say
from bench.home import BenchHome, made_dossier
from bench.texts import question

CLIENTS = 8
SETTLING_SECONDS = 5.0


class Asking:
    """Clients that ask at a steady rate while the context is open; `milliseconds` are of answers, with their start."""

    def __init__(self, home: BenchHome, size: int, every: float) -> None:
        self._home = home
        self._size = size
        self._every = every
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(CLIENTS)]
        self._lock = threading.Lock()
        self.milliseconds: list[tuple[float, float]] = []
        self.failed = 0

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def within(self, part: int, since: float, until: float) -> float:
        """The milliseconds that so many of 100 answers came within."""
        with self._lock:
            times = [each for started, each in self.milliseconds if since <= started < until]
        return statistics.quantiles(times, n=100)[part - 1]

    def _ask(self, number: int) -> None:
        asked = number
        with self._home.client() as client:
            self._stop.wait(self._every * number / CLIENTS)
            while not self._stop.is_set():
                asked += CLIENTS
                started = time.monotonic()
                answer = client.call("retrieve", query=question(asked * 7919 % self._size + self._size))
                took = time.monotonic() - started
                with self._lock:
                    self.milliseconds.append((started, took * 1000))
                    self.failed += "not answering" in answer
                self._stop.wait(max(0.0, self._every - took))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.throttle", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", type=int, default=10_000, help="number of memories")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=30.0, help="of each of the two parts of a round")
    parser.add_argument("--every", type=float, default=0.5, help="seconds between two questions of one client")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="alma-throttle-") as folder:
        prepared = taken_in(Path(folder) / "prepared", chosen.size)
        found = [
            measured(prepared, Path(folder) / str(number), chosen.size, chosen.seconds, chosen.every)
            for number in range(chosen.rounds)
        ]
    for name in ("p50", "p95"):
        before, during = (statistics.median(each[f"{name} {when}"] for each in found) for when in ("before", "during"))
        ratio = statistics.median(each[f"{name} during"] / each[f"{name} before"] for each in found)
        print(f"retrieve {name}: {before:.1f} ms before, {during:.1f} ms during, ratio {ratio:.2f} (medians)")
    print(f"taken in while asked: {statistics.median(each['a second'] for each in found):.0f} events a second")
    print(f"failed calls: {sum(each['failed'] for each in found):.0f}")


def taken_in(folder: Path, size: int) -> BenchHome:
    """A home whose champion knows everything, and whose cache of vectors is empty."""
    folder.mkdir()
    home = BenchHome(folder, "onnx")
    say(f"{size:,} memories: the champion takes them in")
    home.fill(size)
    home.make_vectors(size)
    try:
        home.take_in(size)
    finally:
        home.stop()
    with sqlite3.connect(home.home.embeddings) as database:
        database.execute("DELETE FROM vectors")
    database.close()
    return home


def measured(prepared: BenchHome, folder: Path, size: int, seconds: float, every: float) -> dict[str, float]:
    """One round."""
    folder.mkdir()
    home = BenchHome(folder, "onnx")
    home.project = prepared.project
    kept = shutil.ignore_patterns("engine.*")
    shutil.copytree(prepared.home.path, home.home.path, ignore=kept, dirs_exist_ok=True)
    try:
        home.warm_up()
        with Asking(home, size, every) as asking:
            time.sleep(SETTLING_SECONDS)
            began = time.monotonic()
            time.sleep(seconds)
            champion = bundled_designs()["hybrid"]
            number = asyncio.run(request(home.home, Design(f"{champion.source}\n# the same\n", "challenger"), champion))
            time.sleep(SETTLING_SECONDS)
            first, start = asyncio.run(taken(home.home, number)), time.monotonic()
            time.sleep(seconds)
            last, end = asyncio.run(taken(home.home, number)), time.monotonic()
    finally:
        home.stop()
    found = {
        f"p{part} {when}": asking.within(part, since, until)
        for part in (50, 95)
        for when, since, until in (("before", began, began + seconds), ("during", start, end))
    }
    found |= {"a second": (last - first) / (end - start), "failed": asking.failed}
    say(", ".join(f"{name} {value:.1f}" for name, value in found.items()) + (", all taken in" if last == size else ""))
    return found


async def request(home: Home, challenger: Design, champion: Design) -> int:
    async with control(home) as engine:
        dossier = made_dossier(challenger, champion).model_dump(mode="json")
        params = {"source": challenger.source, "name": challenger.name, "dossier": dossier}
        return int((await engine.request("promotions.request", params))["request"])


async def taken(home: Home, number: int) -> int:
    """Events that the challenger has taken in."""
    async with control(home) as engine:
        progress = (await engine.request("promotions.state", {"request": number}))["progress"]
        return int(progress[0]) if progress else 0


if __name__ == "__main__":
    main()
