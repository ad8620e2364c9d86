"""The process host: a worker in bubblewrap, or, for bundled designs alone, in a plain subprocess."""

import asyncio
import contextlib
import os
import sys
from collections import deque
from pathlib import Path

from alma_mcp.design_store import Design, DesignStore
from alma_mcp.errors import NoSandbox
from alma_mcp.frames import MAX_FRAME
from alma_mcp.hosts import Asks, bubblewrap
from alma_mcp.hosts.link import Link

STATE_BYTES = 4 * 2**30
WATCH_SECONDS = 0.5
LAST_LINES = 40


class ProcessHost:
    """Runs every design in the sandbox; where there is none, the bundled ones without, and no others."""

    def __init__(self, store: DesignStore, tier: bubblewrap.Tier, state_bytes: int = STATE_BYTES) -> None:
        self._store = store
        self._tier = tier
        self._state_bytes = state_bytes
        self.contained = bool(tier.name)
        self.name = tier.name or f"plain process, bundled designs only ({tier.reason})"

    async def start(self, design: Design, state: Path, asks: Asks) -> Link:
        """See `hosts.Host.start`. Raises `NoSandbox` for a design that is not ours where nothing contains it."""
        if not self.contained and not self._store.is_bundled(design):
            raise NoSandbox(
                f"The design {design.short} is not run, because nothing contains it here: {self._tier.reason}."
            )
        process = await asyncio.create_subprocess_exec(
            *self._command(state),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=MAX_FRAME,
            env={},
            cwd="/",
        )
        assert process.stdin
        assert process.stdout
        last_lines: deque[str] = deque(maxlen=LAST_LINES)
        tasks = [asyncio.create_task(_listen(process, last_lines)), asyncio.create_task(self._watch(process, state))]

        async def end() -> None:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            await process.wait()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        return Link(
            process.stdout,
            process.stdin.write,
            asks,
            end,
            lambda: "\n".join(last_lines),
            lambda: _resident(process.pid),
        )

    def _command(self, state: Path) -> list[str]:
        if not self.contained:
            folder = str(Path(__file__).resolve().parents[2])
            path = [folder, *sorted({str(package.parent) for package in bubblewrap.packages()})]
            return [bubblewrap.interpreter(), "-I", "-S", "-B", "-c", bubblewrap.boot(path), str(state)]
        if os.geteuid() == 0:
            _give(state, bubblewrap.uid_of(state))
        return bubblewrap.worker_command(self._tier.program, state)

    async def _watch(self, process: asyncio.subprocess.Process, state: Path) -> None:
        """End a worker whose state outgrows its quota."""
        while process.returncode is None:
            if await asyncio.to_thread(_size, state) > self._state_bytes:
                process.kill()
            await asyncio.sleep(WATCH_SECONDS)


async def _listen(process: asyncio.subprocess.Process, lines: deque[str]) -> None:
    assert process.stderr
    with contextlib.suppress(ValueError):
        while chunk := await process.stderr.read(1 << 16):
            lines.extend(chunk.decode(errors="replace")[-4000:].splitlines())


def _give(folder: Path, uid: int) -> None:
    """Make a state folder and what lies in it belong to a worker; links are not followed."""
    os.chown(folder, uid, uid, follow_symlinks=False)
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(Path(parent) / name, uid, uid, follow_symlinks=False)


def _size(folder: Path) -> int:
    """Bytes on the disk below a folder; links are not followed."""
    total = 0
    for parent, _, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(OSError):
                total += (Path(parent) / name).lstat().st_blocks * 512
    return total


def _resident(pid: int) -> int:
    """Resident bytes of a process and all its children, 0 where the system does not tell."""
    if sys.platform != "linux":
        return 0
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(_resident(int(child)) for child in children)
