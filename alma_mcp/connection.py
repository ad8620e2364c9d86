"""One client session on the engine's socket: its lines become MCP messages and back."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any, cast

import anyio
from mcp.server.mcpserver import MCPServer
from mcp.server.stdio import stdio_server

from alma_mcp.access import Principal
from alma_mcp.server import PRINCIPAL

LONGEST_LINE = 64 * 1024 * 1024
PARSE_ERROR = -32700


async def serve_session(
    server: MCPServer[Any], who: Principal, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Serve one session, of either protocol era, until its client goes away."""
    PRINCIPAL.set(who)
    output = _Output(writer)
    lines = cast("anyio.AsyncFile[str]", _Input(reader, output))
    with contextlib.suppress(ConnectionError):
        async with stdio_server(lines, cast("anyio.AsyncFile[str]", output)) as (received, sent):
            lowlevel = server._lowlevel_server  # noqa: SLF001 - MCPServer itself serves only its own standard streams
            await lowlevel.run(received, sent, lowlevel.create_initialization_options())


class _Output:
    """The text file that `stdio_server` writes its lines to."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def write(self, text: str) -> None:
        self._writer.write(text.encode())

    async def flush(self) -> None:
        with contextlib.suppress(ConnectionError):
            await self._writer.drain()


class _Input:
    """The text file that `stdio_server` reads its lines from; what is no JSON object is answered here."""

    def __init__(self, reader: asyncio.StreamReader, output: _Output) -> None:
        self._reader = reader
        self._output = output

    async def __aiter__(self) -> AsyncIterator[str]:
        with contextlib.suppress(ConnectionError):
            while line := await self._reader.readline():
                problem = _problem(line)
                if problem:
                    await self._refuse(line, problem)
                elif line.strip():
                    yield line.decode()

    async def _refuse(self, line: bytes, problem: str) -> None:
        error = {"code": PARSE_ERROR, "message": f"{problem} Nothing was stored."}
        await self._output.write(json.dumps({"jsonrpc": "2.0", "id": _number(line), "error": error}) + "\n")
        await self._output.flush()


def _problem(line: bytes) -> str:
    try:
        message = json.loads(line) if line.strip() else {}
    except UnicodeDecodeError:
        return "The message is not valid UTF-8."
    except ValueError as error:
        return f"The message is not JSON: {error}."
    except RecursionError:
        return "The message is nested too deeply."
    if not isinstance(message, dict):
        return "The message is not a JSON object."
    return "" if _is_encodable(line) else "The message holds a lone surrogate, which is no character."


def _is_encodable(line: bytes) -> bool:
    if b"\\ud" not in line and b"\\uD" not in line:
        return True
    try:
        json.dumps(json.loads(line), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _number(line: bytes) -> Any:
    try:
        message = json.loads(line.decode(errors="replace"))
    except (ValueError, RecursionError):
        return None
    return message.get("id") if isinstance(message, dict) else None
