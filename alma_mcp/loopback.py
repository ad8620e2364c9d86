"""Listening on this machine alone: the addresses, and an ASGI application served at them by uvicorn."""

import asyncio
import contextlib
import errno
import ipaddress
import socket
from collections.abc import AsyncIterator, Iterator, Sequence

import uvicorn
from starlette.types import ASGIApp

from alma_mcp.errors import BadRequest

BACKLOG = 128
ABSENT = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT)


def parse_address(address: str) -> tuple[str, int]:
    """`HOST:PORT` of a loopback address. Raises `BadRequest` for any other."""
    host, separator, port = address.rpartition(":")
    host = host.strip("[]")
    if not separator or not port.isdigit() or int(port) > 65535:
        raise BadRequest(f"{address!r} is no address; write it like 127.0.0.1:8765.")
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise BadRequest(f"{host} is not a loopback address; this version serves this machine alone, at 127.0.0.1.")
    return host, int(port)


def bind(host: str, port: int) -> socket.socket:
    """A socket at a loopback address. Port 0 chooses a free one. Raises `BadRequest`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return _bound(family, host, port)
    except OSError as error:
        raise BadRequest(f"Cannot listen on {host}:{port} ({error.strerror}); choose another port.") from error


def bind_localhost(port: int) -> list[socket.socket]:
    """Sockets at one port of every address that `localhost` stands for here. Port 0 chooses a free one.

    Raises `BadRequest` where one of them is taken: whoever holds it would be sent what is meant for us.
    """
    first = bind("127.0.0.1", port)
    number = first.getsockname()[1]
    try:
        return [first, _bound(socket.AF_INET6, "::1", number)]
    except OSError as error:
        if error.errno in ABSENT:
            return [first]
        first.close()
        raise BadRequest(f"Cannot listen on [::1]:{number} ({error.strerror}); choose another port.") from error


def _bound(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


@contextlib.asynccontextmanager
async def serving(app: ASGIApp, listeners: Sequence[socket.socket]) -> AsyncIterator[None]:
    """Serve an application at these sockets while the context is open; they are closed with it.

    Who connects at once is not refused, but waits for the first moment of the server.
    """
    for listener in listeners:
        listener.listen(BACKLOG)
    web = _Web(uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=2))
    task = asyncio.create_task(web.serve(sockets=list(listeners)))
    try:
        yield
    finally:
        web.should_exit = True
        await task
        for listener in listeners:
            listener.close()


class _Web(uvicorn.Server):
    """Leaves the process's signals to the engine."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
