"""The same tools over streamable HTTP, on loopback, with the Host and Origin guard on."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings

from alma_mcp.access import Principal
from alma_mcp.loopback import bind, serving
from alma_mcp.server import PRINCIPAL


@contextlib.asynccontextmanager
async def serve_http(server: MCPServer[Any], who: Principal, host: str, port: int) -> AsyncIterator[str]:
    """Listen while the context is open; gives the URL. Port 0 chooses a free one. Raises `BadRequest`."""
    listener = bind(host, port)
    name = f"[{host}]" if ":" in host else host
    authority = f"{name}:{listener.getsockname()[1]}"
    security = TransportSecuritySettings(
        allowed_hosts=[authority], allowed_origins=[f"http://{authority}", f"https://{authority}"]
    )
    PRINCIPAL.set(who)
    app = server.streamable_http_app(transport_security=security)
    async with serving(app, [listener]):
        yield f"http://{authority}/mcp"
