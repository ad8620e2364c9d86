"""The process host: a worker in bubblewrap, or, for bundled designs alone, in a plain subprocess."""

import asyncio
import contextlib
import os
import signal
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from alma_mcp.design_store import Design, DesignStore
from alma_mcp.errors import HostError, NoSandbox
from alma_mcp.frames import MAX_FRAME
from alma_mcp.hosts import Asks, bubblewrap, seccomp
from alma_mcp.hosts.bounds import Bounds, give, lower, resident, watch
from alma_mcp.hosts.link import Link, wholly

LAST_LINES = 40


class ProcessHost:
    """Runs every design in the sandbox; where there is none, the bundled ones without, and no others."""

    def __init__(self, store: DesignStore, tier: bubblewrap.Tier, bounds: Bounds | None = None) -> None:
        self._store = store
        self._tier = tier
        self._bounds = bounds or Bounds()
        self.contained = bool(tier.name)
        self.name = tier.name or f"plain process, bundled designs only ({tier.reason})"

    async def start(self, design: Design, state: Path, asks: Asks) -> Link:
        """See `hosts.Host.start`. Raises `NoSandbox` for a design that is not ours where nothing contains it."""
        if not self.contained and not self._store.is_bundled(design):
            raise NoSandbox(
                f"The design {design.short} is not run, because nothing contains it here: {self._tier.reason}."
            )
        return await wholly(self._start(state, asks))

    async def _start(self, state: Path, asks: Asks) -> Link:
        transport, pipes = await self._run(state)
        process = asyncio.subprocess.Process(transport, pipes, asyncio.get_running_loop())
        assert process.stdin
        assert process.stdout
        last_lines: deque[str] = deque(maxlen=LAST_LINES)

        def kill(why: str) -> None:
            last_lines.append(why)
            _kill(process)

        tasks = [
            asyncio.create_task(_listen(process, last_lines)),
            asyncio.create_task(watch(state, process.pid, self._bounds, kill)),
        ]

        async def end() -> None:
            """Our ends of the pipes are closed at once: a sandbox killed before it was whole has a child that holds on
            to the others until it sees that.
            """
            _kill(process)
            for stream in (0, 1, 2):
                if pipe_end := transport.get_pipe_transport(stream):
                    pipe_end.close()
            await process.wait()
            transport.close()
            await pipes.closed.wait()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        said = lambda: "\n".join(last_lines)  # noqa: E731 - read when the worker has died
        pid = process.pid
        return Link(process.stdout, process.stdin.write, asks, end, said, lambda: resident(pid), lambda: lower(pid))

    async def _run(self, state: Path) -> tuple[asyncio.SubprocessTransport, "_Pipes"]:
        pipe = asyncio.subprocess.PIPE
        loop = asyncio.get_running_loop()
        try:
            with seccomp.opened() if self.contained else contextlib.nullcontext(()) as filters:
                command = self._command(state, filters)
                return await loop.subprocess_exec(
                    _Pipes, *command, stdin=pipe, stdout=pipe, stderr=pipe, env=bubblewrap.ENVIRONMENT, cwd="/",
                    pass_fds=filters, process_group=0,
                )  # fmt: skip
        except OSError as error:
            raise HostError(
                f"A worker cannot be started ({error}); is the machine out of memory or processes?"
            ) from error

    async def close(self) -> None:
        """It holds nothing."""

    def _command(self, state: Path, filters: Sequence[int]) -> list[str]:
        if not self.contained:
            folder = str(Path(__file__).resolve().parents[2])
            path = [folder, *sorted({str(package.parent) for package in bubblewrap.packages()})]
            code = bubblewrap.boot(path, bubblewrap.PLAIN_LIMITS)
            return [bubblewrap.interpreter(), *bubblewrap.FLAGS, "-S", "-c", code, str(state)]
        if os.geteuid() == 0:
            give(state, bubblewrap.uid_of(state))
        return bubblewrap.worker_command(self._tier.program, state, filters)


class _Pipes(asyncio.subprocess.SubprocessStreamProtocol):
    """A process's streams; `closed` once the process has ended and all of them are closed."""

    def __init__(self) -> None:
        super().__init__(limit=MAX_FRAME, loop=asyncio.get_running_loop())
        self.closed = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.closed.set()


def _kill(process: asyncio.subprocess.Process) -> None:
    """With its group: until a sandbox is whole its inner half does not die with the outer one, but waits for it.

    Not by `Process.kill`, which reaps a process that has just ended: asyncio would look for it in vain.
    """
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


async def _listen(process: asyncio.subprocess.Process, lines: deque[str]) -> None:
    assert process.stderr
    with contextlib.suppress(ValueError):
        while chunk := await process.stderr.read(1 << 16):
            lines.extend(chunk.decode(errors="replace")[-4000:].splitlines())
