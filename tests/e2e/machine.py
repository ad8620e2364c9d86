"""A person's machine in small: a home, a project, the real pump and engine, a real MCP client."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mcp import Client, StdioServerParameters

from alma_mcp.home import Home, ProcessLock

ALMA = Path(sys.executable).parent / "alma-mcp"


@dataclass
class Machine:
    """One user's home and project folder."""

    home: Home
    project: Path

    @property
    def pump(self) -> list[str]:
        """What a client's configuration starts."""
        return [str(ALMA), "--home", str(self.home.path)]

    def command(
        self, *arguments: str, prefix: Sequence[str] = (), timeout: float = 60, **more
    ) -> subprocess.CompletedProcess[str]:
        """Run `alma-mcp` as a person would."""
        return subprocess.run(
            [*prefix, *self.pump, *arguments],
            capture_output=True,
            text=True,
            timeout=timeout,
            cwd=self.project,
            check=False,
            **more,
        )

    @contextlib.asynccontextmanager
    async def client(self, era: str = "auto", project: Path | None = None) -> AsyncIterator[Client]:
        """A session of the SDK's client over a real pump."""
        server = StdioServerParameters(command=self.pump[0], args=self.pump[1:], cwd=project or self.project)
        async with Client(server, mode=era, read_timeout_seconds=60) as client:
            yield client

    @property
    def engine(self) -> int | None:
        """The engine's process id."""
        return ProcessLock(self.home.lock).holder() if self.home.lock.exists() else None

    def kill_engine(self) -> None:
        if pid := self.engine:
            os.kill(pid, signal.SIGKILL)
