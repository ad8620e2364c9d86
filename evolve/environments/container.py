"""An environment in a hardened container: no network, no rights, bounded, ended by its id."""

import asyncio
import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alma_mcp.hosts.docker_daemon import HARDENED, Attachment, connect, sweep
from evolve.environments import Family
from evolve.environments.link import LONGEST_LINE, Deadlines, EnvironmentLink

LABEL = "alma-mcp.environment"
COMMAND = ("/opt/env/bin/python", "-B", "/opt/alma/env.py")
NOBODY = 65534
TMP = {"/tmp": "size=256m,mode=1777,exec"}  # noqa: S108 - the container's own; the games' engines load libraries from it


@dataclass(frozen=True, slots=True)
class Containers:
    """Starts the environments of one family. `games` is mounted read-only at /games; `memory` is in bytes."""

    client: Any
    family: Family
    image: str
    games: Path | None = None
    memory: int = 1 << 30
    command: Sequence[str] = COMMAND
    deadlines: Deadlines = field(default_factory=Deadlines)

    @classmethod
    async def open(cls, family: Family, image: str, games: Path | None = None) -> "Containers":
        """Reach the daemon and remove the environments of hosts that are gone. Raises `NoSandbox`."""
        client = await asyncio.to_thread(connect)
        await asyncio.to_thread(sweep, client, LABEL)
        return cls(client, family, image, games)

    async def close(self) -> None:
        """Let go of the connection to the daemon."""
        await asyncio.to_thread(self.client.close)

    async def start(self) -> EnvironmentLink:
        """A new environment, ready to play. Raises `EnvironmentLost`, `HostError`."""
        starting = asyncio.create_task(self._start())
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            await (await starting).close()
            raise

    async def _start(self) -> EnvironmentLink:
        container = await asyncio.to_thread(self.create)
        attachment = await Attachment.start(self.client, container, LONGEST_LINE)
        ending: asyncio.Task[None] | None = None

        async def end() -> None:
            nonlocal ending
            ending = ending or asyncio.create_task(attachment.close())
            await asyncio.shield(ending)

        said = lambda: "\n".join(attachment.last_lines)  # noqa: E731 - read when the environment has died
        link = EnvironmentLink(attachment.frames, attachment.write, end, said, self.deadlines)
        await link.ready()
        return link

    def create(self) -> str:
        """A container of the image, not started; gives its id."""
        uid = os.geteuid() or NOBODY
        binds = {str(self.games.resolve()): {"bind": "/games", "mode": "ro"}} if self.games else {}
        created = self.client.create_container(
            self.image,
            list(self.command),
            name=f"alma-mcp-{self.family}-{uuid.uuid4().hex[:8]}",
            labels={LABEL: str(os.getpid())},
            user=f"{uid}:{os.getegid() or NOBODY}",
            environment={"HOME": "/tmp"},  # noqa: S108 - the container's own
            stdin_open=True,
            host_config=self.client.create_host_config(
                **HARDENED, tmpfs=TMP, mem_limit=self.memory, memswap_limit=self.memory, binds=binds
            ),
        )
        return str(created["Id"])
