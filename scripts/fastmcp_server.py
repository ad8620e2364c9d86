"""For users of FastMCP: `fastmcp run fastmcp.json` serves alma-mcp through FastMCP's own server."""

import sys
from pathlib import Path

from fastmcp.client.transports import StdioTransport
from fastmcp.server import create_proxy

server = create_proxy(StdioTransport(str(Path(sys.executable).parent / "alma-mcp"), []), name="alma-mcp")
