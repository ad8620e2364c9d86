"""The processes of one server, known by a variable in their environment, and what they hold of memory.

All of it is read from `/proc`, which Linux has: `READABLE` says so.
"""

import contextlib
import os
import signal
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

MARK = "BENCH_PEERS_HOME"
PATIENCE_SECONDS = 15.0
READABLE = Path("/proc/self/environ").exists()


@dataclass(frozen=True, slots=True)
class Memory:
    """Megabytes of several processes. `proportional` counts a page that n processes share as 1/n for each."""

    resident: float
    proportional: float
    processes: int


def marked(mark: str) -> set[int]:
    """Process ids that carry the mark, and their descendants, whose environment a sandbox may have emptied."""
    entry = f"{MARK}={mark}".encode()
    parents: dict[int, int] = {}
    found: set[int] = set()
    for pid in _pids():
        with contextlib.suppress(OSError):
            parents[pid] = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
            if entry in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                found.add(pid)
    return found | {pid for pid in parents if found & set(_ancestors(pid, parents))}


def memory(pids: Collection[int]) -> Memory:
    """What the processes hold now. A process that has ended holds nothing."""
    return Memory(sum(map(_resident, pids)), sum(map(_proportional, pids)), len(pids))


def end(mark: str) -> None:
    """End the marked processes: terminate, wait, kill what is left."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    sent: set[int] = set()
    while pids := marked(mark):
        late = time.monotonic() > deadline
        for pid in pids if late else pids - sent:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL if late else signal.SIGTERM)
        sent |= pids
        time.sleep(0.02)


def _pids() -> Iterator[int]:
    return (int(path.name) for path in Path("/proc").glob("[0-9]*"))


def _ancestors(pid: int, parents: dict[int, int]) -> Iterator[int]:
    while pid := parents.get(pid, 0):
        yield pid


def _resident(pid: int) -> float:
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    return 0.0


def _proportional(pid: int) -> float:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 2**10
    return 0.0
