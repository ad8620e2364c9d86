"""The Docker host: a worker in a hardened container, frames over its attached standard streams."""

import asyncio
import hashlib
import io
import os
import tarfile
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from alma_mcp.design_store import Design
from alma_mcp.frames import MAX_FRAME
from alma_mcp.hosts import Asks, bubblewrap
from alma_mcp.hosts.bounds import Bounds, give, resident, watch
from alma_mcp.hosts.docker_daemon import HARDENED, Attachment, build, connect, has_image, sweep
from alma_mcp.hosts.link import Link, wholly

CONTEXT = Path(__file__).resolve().parents[2] / "envs_docker" / "design"
LABEL = "alma-mcp.worker"
PYTHON = "/opt/design/bin/python"
LIMITS = {name: limit for name, limit in bubblewrap.LIMITS.items() if name != "RLIMIT_NPROC"}
TMP = {"/tmp": "size=64m,mode=1777"}  # noqa: S108 - the container's own


class DockerHost:
    """Runs every design in a container of its own."""

    contained = True

    def __init__(self, client: Any, image: str, bounds: Bounds | None = None) -> None:
        self.name = f"Docker ({image})"
        self._client = client
        self._image = image
        self._bounds = bounds or Bounds()

    @classmethod
    async def open(cls, bounds: Bounds | None = None) -> Self:
        """Find the daemon, build the image where it is missing, remove containers of hosts that are gone.

        Raises `NoSandbox` where no daemon answers, `HostError` where the image cannot be built.
        """
        client = await asyncio.to_thread(connect)
        image = image_name()
        if not await asyncio.to_thread(client.images, name=image):
            await asyncio.to_thread(build_image)
        await asyncio.to_thread(sweep, client, LABEL)
        return cls(client, image, bounds)

    async def close(self) -> None:
        """Let go of the connection to the daemon."""
        await asyncio.to_thread(self._client.close)

    async def start(self, design: Design, state: Path, asks: Asks) -> Link:
        """See `hosts.Host.start`."""
        return await wholly(self._start(design, state, asks))

    async def _start(self, design: Design, state: Path, asks: Asks) -> Link:
        container = await asyncio.to_thread(self._create, design, state)
        attachment = await Attachment.start(self._client, container, MAX_FRAME)
        watching = asyncio.create_task(watch(state, attachment.pid, self._bounds, attachment.cut))
        ending: asyncio.Task[None] | None = None

        async def remove() -> None:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await attachment.close()

        async def end() -> None:
            nonlocal ending
            ending = ending or asyncio.create_task(remove())
            await asyncio.shield(ending)

        said = lambda: "\n".join(attachment.last_lines)  # noqa: E731 - read when the worker has died
        return Link(attachment.frames, attachment.write, asks, end, said, lambda: resident(attachment.pid))

    def _create(self, design: Design, state: Path) -> str:
        uid, gid = os.geteuid(), os.getegid()
        if uid == 0:
            uid = gid = bubblewrap.uid_of(state)
            give(state, uid)
        memory = self._bounds.memory
        created = self._client.create_container(
            self._image,
            [PYTHON, *bubblewrap.FLAGS, "-c", bubblewrap.boot(["/alma"], LIMITS), "/state"],
            name=f"alma-mcp-{design.short}-{uuid.uuid4().hex[:8]}",
            labels={LABEL: str(os.getpid())},
            user=f"{uid}:{gid}",
            environment=bubblewrap.ENVIRONMENT,
            stdin_open=True,
            host_config=self._client.create_host_config(
                **HARDENED, tmpfs=TMP, mem_limit=memory, memswap_limit=memory, binds=_binds(state)
            ),
        )
        return str(created["Id"])


def image_is_built() -> bool:
    """Whether the image of the design environment is there; raises `NoSandbox` where no daemon answers."""
    return has_image(image_name())


def image_name() -> str:
    """The image of the design environment: its tag is the hash of what it is built from."""
    parts = (CONTEXT / "Dockerfile").read_bytes() + (CONTEXT / "requirements.txt").read_bytes()
    return f"alma-mcp-design:{hashlib.sha256(parts).hexdigest()[:12]}"


def build_image(base: str = "", wheels: Path | None = None, progress: Callable[[str], None] = lambda _: None) -> None:
    """Build the design image; with a folder of `wheels` it is built without network.

    `base` replaces the base image, `progress` gets the lines of the build. Raises `HostError`.
    """
    arguments = {"BASE_IMAGE": base} if base else {}
    recipe = "envs_docker/design/Dockerfile"
    build(image_name(), _context(wheels), arguments=arguments, network=not wheels, recipe=recipe, progress=progress)


def _binds(state: Path) -> dict[str, dict[str, str]]:
    ours = Path(__file__).resolve().parent.parent
    files = {str(ours / f"{name}.py"): {"bind": f"/alma/alma_mcp/{name}.py", "mode": "ro"} for name in bubblewrap.OURS}
    return {**files, str(state.resolve()): {"bind": "/state", "mode": "rw"}}


def _context(wheels: Path | None) -> io.BytesIO:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in ("Dockerfile", "requirements.txt"):
            archive.add(CONTEXT / name, name)
        for wheel in sorted(wheels.glob("*.whl")) if wheels else ():
            archive.add(wheel, f"wheels/{wheel.name}")
    packed.seek(0)
    return packed
