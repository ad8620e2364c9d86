"""A stdio transport with `Content-Length` headers, for a server that does not frame messages as MCP does."""

import contextlib
import subprocess
from collections.abc import AsyncIterator
from typing import Any, TextIO

import anyio
import mcp_types
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream
from mcp import StdioServerParameters
from mcp.shared.message import SessionMessage

HEADER = b"Content-Length: "
LONGEST_HEADER = 1000
GRACE_SECONDS = 5


@contextlib.asynccontextmanager
async def content_length_client(server: StdioServerParameters, errlog: TextIO) -> AsyncIterator[tuple[Any, Any]]:
    """The streams of the SDK's `stdio_client`, over the other framing. Raises `OSError` if nothing starts."""
    process = await anyio.open_process(
        [server.command, *server.args], env=server.env, cwd=server.cwd, stderr=errlog, stdin=subprocess.PIPE
    )
    incoming_write, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    outgoing, outgoing_read = anyio.create_memory_object_stream[SessionMessage](0)
    async with anyio.create_task_group() as tasks, incoming_write, incoming, outgoing, outgoing_read:
        tasks.start_soon(_read, process, incoming_write)
        tasks.start_soon(_write, process, outgoing_read)
        try:
            yield incoming, outgoing
        finally:
            with anyio.CancelScope(shield=True):
                await _end(process)
            tasks.cancel_scope.cancel()


async def _read(process: Process, incoming: Any) -> None:
    assert process.stdout
    stream = BufferedByteReceiveStream(process.stdout)
    with contextlib.suppress(anyio.IncompleteRead, anyio.ClosedResourceError, anyio.BrokenResourceError):
        while True:
            header = await stream.receive_until(b"\r\n\r\n", LONGEST_HEADER)
            body = await stream.receive_exactly(int(header.removeprefix(HEADER)))
            message = mcp_types.jsonrpc_message_adapter.validate_json(body, by_name=False)
            await incoming.send(SessionMessage(message))
    await incoming.aclose()


async def _write(process: Process, outgoing: Any) -> None:
    assert process.stdin
    with contextlib.suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):
        async for sent in outgoing:
            body = sent.message.model_dump_json(by_alias=True, exclude_unset=True).encode()
            await process.stdin.send(HEADER + str(len(body)).encode() + b"\r\n\r\n" + body)


async def _end(process: Process) -> None:
    assert process.stdin
    with contextlib.suppress(anyio.BrokenResourceError):
        await process.stdin.aclose()
    with anyio.move_on_after(GRACE_SECONDS):
        await process.wait()
    if process.returncode is None:
        process.kill()
        await process.wait()
    await process.aclose()
