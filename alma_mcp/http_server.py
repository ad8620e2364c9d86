"""The same tools over streamable HTTP, on loopback, with the Host and Origin guard on."""

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import uvicorn
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings

from alma_mcp.access import Principal
from alma_mcp.errors import BadRequest
from alma_mcp.server import PRINCIPAL


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


@contextlib.asynccontextmanager
async def serve_http(server: MCPServer[Any], who: Principal, host: str, port: int) -> AsyncIterator[str]:
    """Listen while the context is open; gives the URL. Port 0 chooses a free one. Raises `BadRequest`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise BadRequest(f"Cannot listen on {host}:{port} ({error.strerror}); choose another port.") from error
    name = f"[{host}]" if ":" in host else host
    authority = f"{name}:{listener.getsockname()[1]}"
    security = TransportSecuritySettings(
        allowed_hosts=[authority], allowed_origins=[f"http://{authority}", f"https://{authority}"]
    )
    PRINCIPAL.set(who)
    app = server.streamable_http_app(transport_security=security)
    web = _Web(uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=2))
    task = asyncio.create_task(web.serve(sockets=[listener]))
    try:
        yield f"http://{authority}/mcp"
    finally:
        web.should_exit = True
        await task
        listener.close()


class _Web(uvicorn.Server):
    """Leaves the process's signals to the engine."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
