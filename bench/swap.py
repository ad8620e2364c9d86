"""`python -m bench.swap`: what clients see of a swap, from before the request to after the rollback.

    python -m bench.swap [--memories 10000] [--clients 8] [--pause 0.25] [--rollbacks 5] [--seconds 15] [--json]

Every client is a thin one over a real pump, and asks again about `--pause` seconds after an answer. A person, scripted,
approves `lexical` over `hybrid`; the memories have random vectors, as with `--made-vectors` of `python -m bench`.
"""

import argparse
import json
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.table import Table

from bench.home import CHALLENGER, BenchHome
from bench.texts import question

PHASES = ("before", "during the rehearsal", "during the swap", "after it, with the canary", "during the rollbacks")


class Askers:
    """Clients that ask while the context is open; every answer is noted under the phase in which it was asked."""

    def __init__(self, home: BenchHome, size: int, clients: int, pause: float) -> None:
        self._home = home
        self._size = size
        self._pause = pause
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(clients)]
        self._phase = ""
        self._awake = threading.Event()
        self._awake.set()
        self.times: dict[str, list[float]] = {phase: [] for phase in PHASES}
        self.failed: dict[str, int] = dict.fromkeys(PHASES, 0)
        self.seconds: dict[str, float] = dict.fromkeys(PHASES, 0.0)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._awake.set()
        for thread in self._threads:
            thread.join()

    @contextmanager
    def during(self, phase: str) -> Iterator[None]:
        """What is asked in here belongs to this phase."""
        started, self._phase = time.perf_counter(), phase
        yield
        self._phase = ""
        self.seconds[phase] += time.perf_counter() - started

    @contextmanager
    def asleep(self) -> Iterator[None]:
        """Nobody asks in here, so that what the engine does in the background is done soon."""
        self._awake.clear()
        yield
        self._awake.set()

    def _ask(self, number: int) -> None:
        chance = random.Random(number)
        with self._home.client() as client:
            while not self._stop.is_set():
                self._awake.wait()
                phase, started = self._phase, time.perf_counter()
                try:
                    answer = client.call("retrieve", query=question(chance.randrange(self._size)))
                except (RuntimeError, OSError, ValueError):
                    answer = ""
                if phase:
                    self.times[phase].append((time.perf_counter() - started) * 1000)
                    self.failed[phase] += "not answering" in answer or not answer
                self._stop.wait(self._pause * chance.uniform(0.5, 1.5))


def measure(size: int, clients: int, pause: float, rollbacks: int, seconds: float) -> tuple[Askers, list[float]]:
    """The answers by phase, and the milliseconds of every rollback."""
    with tempfile.TemporaryDirectory(prefix="alma-bench-") as folder:
        home = BenchHome(Path(folder), "onnx")
        home.fill(size)
        home.make_vectors(size)
        try:
            say(f"{size:,} memories: the champion takes them in")
            home.take_in(size)
            home.warm_up()
            with Askers(home, size, clients, pause) as askers:
                return askers, swap(home, askers, rollbacks, seconds)
        finally:
            home.stop()


def swap(home: BenchHome, askers: Askers, rollbacks: int, seconds: float) -> list[float]:
    """One promotion from the request to the rollback, and more rollbacks of the same; gives their milliseconds."""
    before, rehearsal, swapping, after, back = PHASES
    with askers.during(before):
        time.sleep(seconds)
    say("the rehearsal")
    with askers.during(rehearsal):
        home.request(CHALLENGER)
        home.until("ready")
    say("the swap")
    with askers.during(swapping):
        home.approve(CHALLENGER)
        home.until("live")
    with askers.during(after):
        time.sleep(seconds)
    times = []
    for number in range(1, rollbacks + 1):
        say(f"rollback {number}")
        with askers.during(back):
            times.append(home.roll_back())
            time.sleep(1)
        if number < rollbacks:
            with askers.asleep():
                home.request(CHALLENGER)
                home.until("ready")
                home.approve(CHALLENGER)
                home.until("live")
            time.sleep(1)
    return times


def figures(askers: Askers, rollbacks: list[float]) -> dict[str, float]:
    """Every figure by its name; times in milliseconds unless the name says otherwise."""
    found: dict[str, float] = {}
    for phase in PHASES:
        cuts = statistics.quantiles(askers.times[phase], n=100) if len(askers.times[phase]) > 1 else [0.0] * 99
        found[f"{phase}: seconds"] = askers.seconds[phase]
        found[f"{phase}: calls"] = len(askers.times[phase])
        found[f"{phase}: failed"] = askers.failed[phase]
        found[f"{phase}: p50"], found[f"{phase}: p95"] = cuts[49], cuts[94]
    return {**found, "rollback, median": statistics.median(rollbacks), "rollback, slowest": max(rollbacks)}


def show(found: dict[str, float]) -> None:
    names = ("seconds", "calls", "failed", "p50", "p95")
    table = Table(title="a swap under load; p50 and p95 of `retrieve` in milliseconds")
    table.add_column("")
    for name in names:
        table.add_column(name, justify="right")
    for phase in PHASES:
        row = [(found[f"{phase}: {name}"], 0 if name in ("calls", "failed") else 1) for name in names]
        table.add_row(phase, *(f"{value:,.{digits}f}" for value, digits in row))
    console = Console()
    console.print(table)
    console.print(f"rollback: median {found['rollback, median']:.1f} ms, slowest {found['rollback, slowest']:.1f} ms")


def say(text: str) -> None:
    sys.stderr.write(f"bench: {text}\n")
    sys.stderr.flush()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.swap", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--memories", type=int, default=10_000, help="how many are stored")
    parser.add_argument("--clients", type=int, default=8, help="how many ask at the same time")
    parser.add_argument("--pause", type=float, default=0.25, help="seconds between an answer and the next question")
    parser.add_argument("--rollbacks", type=int, default=5, help="how many are measured")
    parser.add_argument("--seconds", type=float, default=15, help="how long before and after the swap")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    chosen = parser.parse_args()
    found = figures(*measure(chosen.memories, chosen.clients, chosen.pause, chosen.rollbacks, chosen.seconds))
    if chosen.json:
        print(json.dumps(found))
    else:
        show(found)


if __name__ == "__main__":
    main()
