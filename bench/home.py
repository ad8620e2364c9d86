"""A home to measure: filled, taken in, asked, swapped; all through the processes a user has."""

import asyncio
import json
import os
import sqlite3
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from alma_mcp.control import control
from alma_mcp.design_store import Design, bundled_designs
from alma_mcp.evidence.dossier import Dossier, Interval, Side
from alma_mcp.home import Home, ProcessLock
from alma_mcp.logs.experience_log import ExperienceLog
from bench.client import ALMA, PumpClient
from bench.made_vectors import keep_made_vectors
from bench.texts import note, question
from scripts.person import Person

ACTOR = "assistant"
CLIENTS = 4
LOOK_SECONDS = 0.2
CHALLENGER = "lexical"


class BenchHome:
    """One home and one project in a temporary folder."""

    def __init__(self, folder: Path, embedder: str) -> None:
        self.home = Home(folder / "home")
        self.home.prepare()
        self.home.settings.write_text(f'embedder = "{embedder}"\n')
        self.project = folder / "project"
        self.project.mkdir()
        self._person = Person(self.home.path)
        self._asked = 0

    def fill(self, size: int) -> None:
        """Put made notes into the experience log, as so many updates would have."""

        async def make() -> None:
            await (await ExperienceLog.open(self.home.experiences)).close()

        asyncio.run(make())
        rows = []
        for number in range(size):
            body = {
                "id": f"m{number:016x}",
                "kind": "note",
                "task": "",
                "steps": [{"actor": ACTOR, "text": note(number)}],
                "outcome": "",
                "reward": None,
                "time": float(number),
            }
            rows.append((f"project:{self.project}", "experience", float(number), json.dumps(body), body["id"]))
        with sqlite3.connect(self.home.experiences) as database:
            database.executemany("INSERT INTO events (scope, kind, at, body, experience) VALUES (?, ?, ?, ?, ?)", rows)
        database.close()

    def make_vectors(self, size: int) -> None:
        """Spare the default champion the embedding of its passages."""
        texts = [f"{ACTOR}: {note(number)}" for number in range(size)]
        keep_made_vectors(self.home, f"project:{self.project}", texts)

    def take_in(self, size: int) -> float:
        """Seconds until the design has taken everything in."""
        started = time.perf_counter()
        with self.client() as client:
            while "still being taken in" in client.call("retrieve", query="anything at all"):
                time.sleep(LOOK_SECONDS)
            client.call("update", text=f"the last note, behind {size}")
            while "still being taken in" in client.call("retrieve", query="the last note"):
                pass
        return time.perf_counter() - started

    def client(self) -> PumpClient:
        return PumpClient(self.home.path, self.project)

    def cold_start(self) -> float:
        """Milliseconds from starting the pump to the answered `tools/list`, with no engine running."""
        self.stop()
        return self.warm_start()

    def warm_start(self) -> float:
        started = time.perf_counter()
        with self.client() as client:
            client.request("tools/list", {})
            return (time.perf_counter() - started) * 1000

    def warm_up(self) -> None:
        with self.client() as client:
            for number in range(20):
                client.call("retrieve", query=question(number))

    def retrieves(self, client: PumpClient, size: int, count: int) -> list[float]:
        return [client.timed("retrieve", query=question(number * 7919 % size)) for number in range(count)]

    def updates(self, client: PumpClient, size: int, count: int) -> list[float]:
        return [client.timed("update", text=note(size + number)) for number in range(count)]

    def megabytes(self) -> tuple[float, float]:
        """Resident memory of the engine, and of its workers."""
        engine = ProcessLock(self.home.lock).holder()
        assert engine
        workers = [pid for child in children(engine) for pid in (child, *descendants(child))]
        return resident(engine), sum(resident(pid) for pid in workers)

    def swap_and_roll_back(self, size: int) -> tuple[float, float, int, int]:
        """A swap under load in seconds, the rollback in milliseconds, calls answered and failed meanwhile."""
        load = Load(self, size)
        with load:
            started = time.perf_counter()
            self._promote(CHALLENGER)
            self.until("live")
            swap = time.perf_counter() - started
            rollback = self.roll_back()
        return swap, rollback, load.answered, load.failed

    def _promote(self, name: str) -> None:
        self.request(name)
        self.until("ready")
        self.approve(name)

    def request(self, name: str) -> None:
        """File a request for a bundled design, whose dossier says what it is; the engine rehearses it."""
        asyncio.run(self._request(bundled_designs()[name]))

    def approve(self, name: str) -> None:
        """Let the scripted person approve it."""
        self._person.approve(bundled_designs()[name].short, "--against-evidence")

    def until(self, state: str) -> None:
        """Wait until the newest request is in this state. Raises `RuntimeError` where it ended meanwhile."""
        asyncio.run(self._until(state))

    def roll_back(self) -> float:
        """Milliseconds from asking the engine to its answer; the design before serves by then."""
        return asyncio.run(self._roll_back())

    async def _request(self, design: Design) -> None:
        async with control(self.home) as engine:
            live = await engine.request("champion", {})
            dossier = made_dossier(design, Design(live["source"], live["name"]))
            params = {"source": design.source, "name": design.name, "dossier": dossier.model_dump(mode="json")}
            self._asked = (await engine.request("promotions.request", params))["request"]

    async def _until(self, state: str) -> None:
        async with control(self.home) as engine:
            while (asked := await engine.request("promotions.state", {"request": self._asked}))["state"] != state:
                if asked["state"] in ("expired", "rejected", "rolled_back"):
                    raise RuntimeError(f"The request is {asked['state']}: {asked['reason']}.")
                await asyncio.sleep(LOOK_SECONDS / 4)

    async def _roll_back(self) -> float:
        async with control(self.home) as engine:
            started = time.perf_counter()
            answer = await engine.request("ledger.roll_back", {})
            milliseconds = (time.perf_counter() - started) * 1000
            if (await engine.request("champion", {}))["id"] != answer["id"]:
                raise RuntimeError("The rollback was answered before the design before it served.")
            return milliseconds

    def champion(self) -> str:
        done = subprocess.run(
            [ALMA, "--home", self.home.path, "status", "--json"], capture_output=True, text=True, check=True
        )
        return str(json.loads(done.stdout)["champion"])

    def stop(self) -> None:
        subprocess.run([ALMA, "--home", self.home.path, "stop"], capture_output=True, check=False)
        while ProcessLock(self.home.lock).holder():
            time.sleep(0.01)


class Load:
    """Clients that ask without a pause while the context is open."""

    def __init__(self, home: BenchHome, size: int) -> None:
        self._home = home
        self._size = size
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(CLIENTS)]
        self._lock = threading.Lock()
        self.answered = 0
        self.failed = 0

    def __enter__(self) -> None:
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, number: int) -> None:
        with self._home.client() as client:
            while not self._stop.is_set():
                number += CLIENTS
                try:
                    answer = client.call("retrieve", query=question(number % self._size))
                except (RuntimeError, OSError, ValueError):
                    answer = ""
                with self._lock:
                    if "not answering" in answer or not answer:
                        self.failed += 1
                    else:
                        self.answered += 1


def children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text().split()] if path.exists() else []


def descendants(pid: int) -> Sequence[int]:
    return [each for child in children(pid) for each in (child, *descendants(child))]


def resident(pid: int) -> float:
    """Megabytes, 0 where the system does not tell."""
    path = Path(f"/proc/{pid}/statm")
    return int(path.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20 if path.exists() else 0.0


def made_dossier(challenger: Design, champion: Design) -> Dossier:
    """A dossier that claims nothing: the swap is measured, not the design."""
    nothing = Interval(mean=0, low=0, high=0)
    sides = [
        Side(design=each.id, name=each.name, idea="", score=nothing, tokens=0, latency_ms=0, failures=0)
        for each in (challenger, champion)
    ]
    return Dossier(
        benchmark="none: made by `make bench` to measure a swap",
        split="gate",
        tasks=0,
        challenger=sides[0],
        champion=sides[1],
        difference=nothing,
        p_value=1,
        alpha=0,
        minimum_effect=0,
        opening=1,
        wins=0,
        ties=0,
        losses=0,
        controls={},
        objections=("nothing was measured",),
        verdict="failed",
        hypothesis="",
        lineage=(),
        imports=(),
        needs_complete=False,
        seconds=0,
        command="make bench",
    )
