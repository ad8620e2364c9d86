"""What a worker's host measures and bounds: its state folder on the disk, its resident memory."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

WATCH_SECONDS = 0.5
LOWERED = 10
LOWEST = 19


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bytes that a worker may keep on the disk, and in memory with all its children."""

    state: int = 12 * 2**30
    memory: int = 4 * 2**30


async def watch(state: Path, pid: int, bounds: Bounds, end: Callable[[str], None]) -> None:
    """Measure again and again; call `end` with a sentence once a bound is passed."""
    while True:
        size, memory = await asyncio.to_thread(size_of, state), resident(pid)
        if size > bounds.state:
            end(f"ended by the host: {size:,} bytes of state, at most {bounds.state:,} are allowed")
            return
        if memory > bounds.memory:
            end(f"ended by the host: {memory:,} bytes of memory, at most {bounds.memory:,} are allowed")
            return
        await asyncio.sleep(WATCH_SECONDS)


def give(folder: Path, uid: int) -> None:
    """Make a state folder and what lies in it belong to a worker; links are not followed. The worker before may still
    be closing its database, so what is gone by the time it is reached needs no owner.
    """
    os.chown(folder, uid, uid, follow_symlinks=False)
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            with contextlib.suppress(FileNotFoundError):
                os.chown(Path(parent) / name, uid, uid, follow_symlinks=False)


def size_of(folder: Path) -> int:
    """Bytes on the disk below a folder; links are not followed."""
    total = 0
    for parent, _, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(OSError):
                total += (Path(parent) / name).lstat().st_blocks * 512
    return total


def lower(pid: int) -> None:
    """Have a process and all its children leave the processor to others; those that it starts later do so too."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, min(LOWEST, os.getpriority(os.PRIO_PROCESS, os.getpid()) + LOWERED))
    _lower_session(pid)
    for child in _children(pid):
        lower(child)


def _lower_session(pid: int) -> None:
    """Linux may share the processor among sessions before it looks at their processes; that of ours is left alone."""
    (ours, nice), (theirs, _) = _autogroup("self"), _autogroup(str(pid))
    if ours and theirs and ours != theirs:
        with contextlib.suppress(OSError):
            Path(f"/proc/{pid}/autogroup").write_text(str(min(LOWEST, nice + LOWERED)))


def _autogroup(pid: str) -> tuple[str, int]:
    """The group that the scheduler puts a process's session into, and its priority; empty where there is none."""
    try:
        name, _, nice = Path(f"/proc/{pid}/autogroup").read_text().split()
    except (OSError, ValueError):
        return "", 0
    return name, int(nice)


def resident(pid: int) -> int:
    """Resident bytes of a process and all its children, 0 where the system does not tell."""
    if sys.platform != "linux" or not pid:
        return 0
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(map(resident, _children(pid)))


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
