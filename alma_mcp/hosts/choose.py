"""Which host this machine has: bubblewrap, else Docker, else none for anything but bundled designs."""

import asyncio
from typing import Literal

from alma_mcp.design_store import DesignStore
from alma_mcp.hosts import Host, bubblewrap
from alma_mcp.hosts.process import ProcessHost


async def choose_host(store: DesignStore, wanted: Literal["auto", "docker"] = "auto") -> Host:
    """The best host here. Raises `NoSandbox` when Docker is wanted and does not answer."""
    tier = await asyncio.to_thread(bubblewrap.probe)
    if tier.name and wanted == "auto":
        return ProcessHost(store, tier)
    from alma_mcp.hosts.docker import DockerHost  # noqa: PLC0415 - Docker is loaded where it is used
    from alma_mcp.hosts.docker_daemon import docker_answers  # noqa: PLC0415

    if wanted == "docker" or await asyncio.to_thread(docker_answers):
        return await DockerHost.open()
    return ProcessHost(store, tier)
