"""The `evolve` toolset over MCP: the assistant in front of the user writes designs. No tool promotes one.

No logic: arguments in, `evolve.meta.assistant`, text out.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from mcp_types import ToolAnnotations
from pydantic import Field

from alma_mcp import __version__
from alma_mcp.strict_server import CallContext, StrictServer, said
from evolve.archive import Archive
from evolve.evaluate import Progress
from evolve.meta.assistant import Workbench, read_submission, status, take_submission, write_brief

INSTRUCTIONS = """Improve how the memory of coding assistants works, by writing memory designs.
Call `evolve_brief` for a task, write what it asks for, and hand that in with `evolve_submit`, which runs it in a
sandbox on benchmark tasks and says what it scores. Nothing that is handed in begins to serve: only the user promotes a
design, with `alma-evolve promote`."""

OpenWorkbench = Callable[[], AbstractAsyncContextManager[Workbench]]
OpenArchive = Callable[[], AbstractContextManager[Archive]]


def build_server(workbench: OpenWorkbench, archive: OpenArchive, seed: Callable[[], int]) -> MCPServer[Any]:
    """The server. Each call opens what it needs, so that what is missing is told to whoever asks.

    `seed` decides which parent a brief chooses where none is named.
    """
    server = StrictServer(
        "alma-evolve", title="alma-evolve", instructions=INSTRUCTIONS, version=__version__, log_level="WARNING"
    )
    writes = ToolAnnotations(destructive_hint=False, idempotent_hint=True, open_world_hint=False)
    reads = ToolAnnotations(read_only_hint=True, open_world_hint=False)

    @server.tool(annotations=writes, structured_output=False)
    async def evolve_brief(
        context: CallContext,
        parent: Annotated[str, Field(description="The design to improve, by name or id; empty: one is chosen")] = "",
    ) -> str:
        """The task of writing a better memory design: contract, parent, its scores and failures, form of the answer.

        The first call evaluates the designs that a search begins with, which may take minutes.
        """
        with said():
            async with workbench() as work, telling(context) as progress:
                task = await write_brief(work, seed(), parent, progress)
        return f"{task.text}\n\nHand it in with `evolve_submit`; its `parents` are {list(task.parents)}."

    @server.tool(annotations=writes, structured_output=False)
    async def evolve_submit(
        context: CallContext,
        answer: Annotated[str, Field(description="All of the answer to `evolve_brief`: hypothesis, code block")],
        parents: Annotated[list[str], Field(description="The designs it was made from, as the brief says")] = [],  # noqa: B006 - read
    ) -> str:
        """Verify a design in a sandbox and evaluate it on the search tasks; gives its score, or why it has none.

        May take minutes. It is archived either way, and never begins to serve.
        """
        with said():
            async with workbench() as work, telling(context) as progress:
                return (await take_submission(work, read_submission(answer), parents, progress=progress)).sentence

    @server.tool(annotations=reads, structured_output=False)
    async def evolve_status() -> str:
        """The best designs found so far with their scores, and the searches."""
        with said(), archive() as opened:
            return status(opened)

    server.make_terse()
    return server


@contextlib.asynccontextmanager
async def telling(context: CallContext) -> AsyncIterator[Progress]:
    """Tells a client that asked for it how far a call is, in numbers that only grow."""
    heard: asyncio.Queue[tuple[int, int]] = asyncio.Queue()

    async def tell() -> None:
        before = last = 0
        while True:
            done, total = await heard.get()
            before += last if done <= last else 0
            last = done
            await context.report_progress(before + done, before + total)

    teller = asyncio.create_task(tell())
    try:
        yield lambda done, total: heard.put_nowait((done, total))
    finally:
        teller.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await teller
