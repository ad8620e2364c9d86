"""The Docker daemon: reaching it, building images, hardened containers with their standard streams attached."""

import asyncio
import contextlib
import os
import socket
from collections import deque
from collections.abc import Callable, Mapping
from typing import IO, Any, Self

from alma_mcp.errors import HostError, NoSandbox

LAST_LINES = 40
HARDENED: Mapping[str, Any] = {
    "network_mode": "none",
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
    "pids_limit": 64,
    "nano_cpus": 10**9,
    "init": True,
    "ipc_mode": "private",
    "log_config": {"Type": "none"},
}


def connect() -> Any:
    """A client of the daemon. Raises `NoSandbox` where none answers."""
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
        raise NoSandbox(f"No Docker daemon answers ({error}); install Docker, and start it.") from error
    return client


def docker_answers() -> bool:
    """Whether a Docker daemon answers here."""
    try:
        connect().close()
    except NoSandbox:
        return False
    return True


def has_image(image: str) -> bool:
    """Whether an image is there. Raises `NoSandbox` where no daemon answers."""
    client = connect()
    try:
        return bool(client.images(name=image))
    finally:
        client.close()


def build(
    image: str,
    context: IO[bytes],
    *,
    arguments: Mapping[str, str],
    labels: Mapping[str, str] | None = None,
    network: bool = True,
    recipe: str,
    progress: Callable[[str], None] = lambda _: None,
) -> None:
    """Build an image from a packed context; `progress` gets the lines of the build, `recipe` is named in an error.

    Raises `NoSandbox`, and `HostError` where the build fails.
    """
    from docker.errors import APIError  # noqa: PLC0415

    client = connect()
    try:
        lines = client.build(
            fileobj=context, custom_context=True, tag=image, rm=True, decode=True, buildargs=dict(arguments),
            labels=dict(labels or {}), network_mode="default" if network else "none",
        )  # fmt: skip
        for line in lines:
            if problem := line.get("error"):
                raise HostError(f"The image {image} cannot be built: {problem.strip()}; see {recipe}.")
            progress(str(line.get("stream", "")).rstrip())
    except APIError as error:
        raise HostError(f"The image {image} cannot be built: {error.explanation}; see {recipe}.") from error
    finally:
        client.close()


def sweep(client: Any, label: str) -> None:
    """Remove the containers with this label whose owner, the process id that the label holds, is gone."""
    for container in client.containers(all=True, filters={"label": label}):
        owner = container["Labels"].get(label, "")
        if not (owner.isdigit() and _runs(int(owner))):
            remove(client, container["Id"])


def remove(client: Any, container: str) -> None:
    """End a container for certain, by its id; one that is gone already is no fault."""
    from docker.errors import APIError  # noqa: PLC0415

    with contextlib.suppress(APIError):
        client.remove_container(container, force=True, v=True)


class Attachment:
    """A running container and its standard streams: `frames` is its output, `last_lines` the end of its errors."""

    def __init__(self, client: Any, container: str, attached: Any, pid: int) -> None:
        self.container = container
        self.pid = pid
        self.frames: asyncio.StreamReader
        self.last_lines: deque[str] = deque(maxlen=LAST_LINES)
        self._client = client
        self._attached = attached
        self._writer: asyncio.StreamWriter
        self._parting: asyncio.Task[None]

    @classmethod
    async def start(cls, client: Any, container: str, limit: int) -> Self:
        """Start a created container, attached; `limit` is the longest line of output in bytes.

        Where that fails the container is removed.
        """
        try:
            attached, pid = await asyncio.to_thread(_started, client, container)
        except BaseException:
            await asyncio.to_thread(remove, client, container)
            raise
        attachment = cls(client, container, attached, pid)
        raw = attached._sock  # noqa: SLF001 - the one way to a socket that asyncio can wait for
        raw.setblocking(False)  # noqa: FBT003 - the socket's own signature
        stream, attachment._writer = await asyncio.open_connection(sock=raw, limit=limit)
        attachment.frames = asyncio.StreamReader(limit=limit)
        attachment._parting = asyncio.create_task(_part(stream, attachment.frames, attachment.last_lines))
        return attachment

    def write(self, data: bytes) -> None:
        """Send to the container's standard input."""
        self._writer.write(data)

    def cut(self, why: str) -> None:
        """End what is read from the container, with a last line that says why."""
        self.last_lines.append(why)
        self._parting.cancel()
        self.frames.feed_eof()

    async def close(self) -> None:
        """Remove the container and let go of its streams."""
        self._parting.cancel()
        await asyncio.gather(self._parting, return_exceptions=True)
        await asyncio.to_thread(remove, self._client, self.container)
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()
        self._attached.close()


def _started(client: Any, container: str) -> tuple[Any, int]:
    attached = client.attach_socket(container, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
    try:
        client.start(container)
        return attached, int(client.inspect_container(container)["State"]["Pid"])
    except BaseException:
        attached.close()
        raise


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


def _probe() -> None:
    """Raises `OSError` where nothing listens on the daemon's socket; the package `docker` would leave its own open."""
    address = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if address.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(address.removeprefix("unix://"))


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
