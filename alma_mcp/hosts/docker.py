"""The Docker host: a worker in a hardened container, frames over its attached standard streams."""

import asyncio
import contextlib
import hashlib
import io
import os
import socket
import tarfile
import uuid
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from alma_mcp.design_store import Design
from alma_mcp.errors import HostError, NoSandbox
from alma_mcp.frames import MAX_FRAME
from alma_mcp.hosts import Asks, bubblewrap
from alma_mcp.hosts.bounds import Bounds, give, resident, watch
from alma_mcp.hosts.link import Link, wholly

CONTEXT = Path(__file__).resolve().parents[2] / "envs_docker" / "design"
LABEL = "alma-mcp.worker"
PYTHON = "/opt/design/bin/python"
LAST_LINES = 40
CONNECT_SECONDS = 5
LIMITS = {name: limit for name, limit in bubblewrap.LIMITS.items() if name != "RLIMIT_NPROC"}
HARDENED: dict[str, Any] = {
    "network_mode": "none",
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
    "pids_limit": 64,
    "nano_cpus": 10**9,
    "init": True,
    "ipc_mode": "private",
    "tmpfs": {"/tmp": "size=64m,mode=1777"},  # noqa: S108 - the container's own
    "log_config": {"Type": "none"},
}


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
        client = await asyncio.to_thread(_connect)
        image = image_name()
        if not await asyncio.to_thread(client.images, name=image):
            await asyncio.to_thread(build_image)
        await asyncio.to_thread(_sweep, client)
        return cls(client, image, bounds)

    async def close(self) -> None:
        """Let go of the connection to the daemon."""
        await asyncio.to_thread(self._client.close)

    async def start(self, design: Design, state: Path, asks: Asks) -> Link:
        """See `hosts.Host.start`."""
        return await wholly(self._start(design, state, asks))

    async def _start(self, design: Design, state: Path, asks: Asks) -> Link:
        container = await asyncio.to_thread(self._create, design, state)
        try:
            attached = await asyncio.to_thread(self._attach, container)
            pid = await asyncio.to_thread(self._pid, container)
        except BaseException:
            await asyncio.to_thread(self._remove, container)
            raise
        return await self._link(container, attached, pid, state, asks)

    async def _link(self, container: str, attached: Any, pid: int, state: Path, asks: Asks) -> Link:
        raw = attached._sock  # noqa: SLF001 - the one way to a socket that asyncio can wait for
        raw.setblocking(False)  # noqa: FBT003 - the socket's own signature
        stream, writer = await asyncio.open_connection(sock=raw, limit=MAX_FRAME)
        frames = asyncio.StreamReader(limit=MAX_FRAME)
        last_lines: deque[str] = deque(maxlen=LAST_LINES)
        ending: asyncio.Task[None] | None = None

        parting = asyncio.create_task(_part(stream, frames, last_lines))

        def kill(why: str) -> None:
            last_lines.append(why)
            parting.cancel()
            frames.feed_eof()

        tasks = [parting, asyncio.create_task(watch(state, pid, self._bounds, kill))]

        async def remove() -> None:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.to_thread(self._remove, container)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            attached.close()

        async def end() -> None:
            nonlocal ending
            ending = ending or asyncio.create_task(remove())
            await asyncio.shield(ending)

        said = lambda: "\n".join(last_lines)  # noqa: E731 - read when the worker has died
        return Link(frames, writer.write, asks, end, said, lambda: resident(pid))

    def _create(self, design: Design, state: Path) -> str:
        uid, gid = os.geteuid(), os.getegid()
        if uid == 0:
            uid = gid = bubblewrap.uid_of(state)
            give(state, uid)
        memory = self._bounds.memory
        created = self._client.create_container(
            self._image,
            [PYTHON, "-I", "-B", "-c", bubblewrap.boot(["/alma"], LIMITS), "/state"],
            name=f"alma-mcp-{design.short}-{uuid.uuid4().hex[:8]}",
            labels={LABEL: str(os.getpid())},
            user=f"{uid}:{gid}",
            stdin_open=True,
            host_config=self._client.create_host_config(
                **HARDENED, mem_limit=memory, memswap_limit=memory, binds=_binds(state)
            ),
        )
        return str(created["Id"])

    def _attach(self, container: str) -> Any:
        streams = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        attached = self._client.attach_socket(container, params=streams)
        self._client.start(container)
        return attached

    def _pid(self, container: str) -> int:
        return int(self._client.inspect_container(container)["State"]["Pid"])

    def _remove(self, container: str) -> None:
        from docker.errors import APIError  # noqa: PLC0415

        with contextlib.suppress(APIError):
            self._client.remove_container(container, force=True, v=True)


def docker_answers() -> bool:
    """Whether a Docker daemon answers here."""
    try:
        _connect().close()
    except NoSandbox:
        return False
    return True


def image_is_built() -> bool:
    """Whether the image of the design environment is there; raises `NoSandbox` where no daemon answers."""
    client = _connect()
    try:
        return bool(client.images(name=image_name()))
    finally:
        client.close()


def image_name() -> str:
    """The image of the design environment: its tag is the hash of what it is built from."""
    parts = (CONTEXT / "Dockerfile").read_bytes() + (CONTEXT / "requirements.txt").read_bytes()
    return f"alma-mcp-design:{hashlib.sha256(parts).hexdigest()[:12]}"


def build_image(base: str = "", wheels: Path | None = None, progress: Callable[[str], None] = lambda _: None) -> None:
    """Build the design image; with a folder of `wheels` it is built without network.

    `base` replaces the base image, `progress` gets the lines of the build. Raises `HostError`.
    """
    from docker.errors import APIError  # noqa: PLC0415

    client = _connect()
    arguments = {"BASE_IMAGE": base} if base else {}
    network = "none" if wheels else "default"
    try:
        lines = client.build(
            fileobj=_context(wheels), custom_context=True, tag=image_name(), rm=True, decode=True,
            buildargs=arguments, network_mode=network,
        )  # fmt: skip
        for line in lines:
            if problem := line.get("error"):
                raise HostError(
                    f"The design image cannot be built: {problem.strip()}; see envs_docker/design/Dockerfile."
                )
            progress(str(line.get("stream", "")).rstrip())
    except APIError as error:
        raise HostError(f"The design image cannot be built: {error.explanation}.") from error
    finally:
        client.close()


async def _part(stream: asyncio.StreamReader, frames: asyncio.StreamReader, lines: deque[str]) -> None:
    """Part the attached stream: eight bytes (1 or 2 for which, then the length), then as many bytes."""
    try:
        while True:
            header = await stream.readexactly(8)
            data = await stream.readexactly(int.from_bytes(header[4:], "big"))
            if header[0] == 1:
                frames.feed_data(data)
            else:
                lines.extend(data.decode(errors="replace")[-4000:].splitlines())
    except (asyncio.IncompleteReadError, OSError):
        frames.feed_eof()


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


def _connect() -> Any:
    import docker  # noqa: PLC0415 - loaded only where Docker is wanted
    from docker.errors import DockerException  # noqa: PLC0415
    from requests.exceptions import RequestException  # noqa: PLC0415

    client = None
    try:
        _probe()
        client = docker.from_env().api
        client.ping()
    except (DockerException, RequestException, OSError) as error:
        if client is not None:
            client.close()
        raise NoSandbox(f"No Docker daemon answers ({error}); start it, or install bubblewrap.") from error
    return client


def _probe() -> None:
    """Raises `OSError` where nothing listens on the daemon's socket; the package `docker` would leave its own open."""
    address = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if address.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(address.removeprefix("unix://"))


def _sweep(client: Any) -> None:
    """Remove the workers of hosts that are gone."""
    from docker.errors import APIError  # noqa: PLC0415

    for container in client.containers(all=True, filters={"label": LABEL}):
        owner = container["Labels"].get(LABEL, "")
        if not (owner.isdigit() and _runs(int(owner))):
            with contextlib.suppress(APIError):
                client.remove_container(container["Id"], force=True, v=True)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
