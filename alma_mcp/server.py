"""The MCP tools and resources. No logic: arguments in, `MemoryService`, text out.

The surface is fixed; what changes behind it is the design. Tested against both protocol
eras, with a snapshot of every schema in `tests/contract`.
"""

import json
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import replace
from typing import Annotated, Any, Literal

from mcp.server.caching import CacheHint
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceNotFoundError
from mcp_types import ToolAnnotations
from pydantic import Field

from alma_mcp import __version__
from alma_mcp.access import Place, Principal
from alma_mcp.contract import Query, Signal
from alma_mcp.rendering import render_answer
from alma_mcp.service import Draft, MemoryService
from alma_mcp.strict_server import CallContext, StrictServer, said

INSTRUCTIONS = """Long-term memory of this project and this user, kept on this machine.
Call `retrieve` with the task in your own words before you start on it. When something is learnt that a later
session would want (a decision and why, a fix that worked or failed, a preference, how something is run), store it
with `update`, one thing at a time. Tell `feedback` which retrieved ids helped or misled."""

PRINCIPAL: ContextVar[Principal] = ContextVar("principal")

LONGEST_AGENT = 80

Ids = Annotated[list[str], Field(description="Memory ids, as retrieve shows them")]


def build_server(
    service: MemoryService,
    status: Callable[[], Awaitable[str]],
    champion: Callable[[], Awaitable[str]],
    called: Callable[[Principal, str], None] = lambda _who, _agent: None,
) -> MCPServer[Any]:
    """The server over a service. `status` and `champion` give the texts of the tool and the resource.

    `called` is told who calls a tool, and what its client calls itself.
    """
    server = StrictServer(
        "alma-mcp",
        title="alma-mcp",
        instructions=INSTRUCTIONS,
        version=__version__,
        cache_hints={"tools/list": CacheHint(ttl_ms=3_600_000, scope="public")},
        log_level="WARNING",
    )
    _add_tools(server, service, status)
    _add_resources(server, service, champion)
    server.on_call = lambda context: called(PRINCIPAL.get(), _agent(context))
    server.make_terse()
    return server


def _add_tools(server: MCPServer[Any], service: MemoryService, status: Callable[[], Awaitable[str]]) -> None:
    @server.tool(annotations=ToolAnnotations(read_only_hint=True, open_world_hint=False), structured_output=False)
    async def retrieve(
        query: Annotated[str, Field(description="The task or question, in words")],
        context: Annotated[str, Field(description="What else is known: files, errors, the plan")] = "",
        limit: Annotated[int, Field(ge=1, le=50, description="At most this many memories")] = 8,
        max_tokens: Annotated[int, Field(ge=50, le=20_000, description="At most this much text")] = 1200,
    ) -> str:
        """Recall what earlier sessions learnt that helps with a task: decisions, fixes, preferences, how-tos.

        Call it before starting on a task. Searches this project's and the user's memory; best match first.
        """
        with said():
            question = Query(query, context, limit)
            return render_answer(await service.retrieve(PRINCIPAL.get(), question, max_tokens))

    @server.tool(
        annotations=ToolAnnotations(destructive_hint=False, idempotent_hint=False, open_world_hint=False),
        structured_output=False,
    )
    async def update(
        context: CallContext,
        text: Annotated[str, Field(description="What happened or was learnt, complete in itself")],
        task: Annotated[str, Field(description="The task it belongs to")] = "",
        outcome: Annotated[str, Field(description="How it ended")] = "",
        reward: Annotated[float | None, Field(ge=0, le=1, description="Success, 0 to 1, if known")] = None,
        kind: Annotated[Literal["note", "decision", "fix", "preference", "howto", "trajectory"], Field()] = "note",
        scope: Annotated[Place, Field(description="project: this repository; user: everywhere")] = "project",
    ) -> str:
        """Remember one thing for later sessions. When it returns, it is saved on disk. Secrets are redacted."""
        with said():
            draft = Draft(text, task, outcome, kind, reward, scope)
            who = replace(PRINCIPAL.get(), agent=_agent(context))
            memory_id, new = await service.update(who, draft, _key(context))
            return f"Remembered as {memory_id}." if new else f"Already remembered as {memory_id}."

    @server.tool(
        annotations=ToolAnnotations(destructive_hint=False, idempotent_hint=True, open_world_hint=False),
        structured_output=False,
    )
    async def feedback(context: CallContext, ids: Ids, signal: Signal) -> str:
        """Say whether retrieved memories were helpful or harmful for the task; later retrieval learns from it."""
        with said():
            count = await service.feedback(PRINCIPAL.get(), ids, signal, _key(context))
            return f"Noted as {signal} for {count} of {len(ids)}."

    @server.tool(
        annotations=ToolAnnotations(destructive_hint=True, idempotent_hint=True, open_world_hint=False),
        structured_output=False,
    )
    async def forget(context: CallContext, ids: Ids) -> str:
        """Erase memories for good, for example when the user asks for it. Cannot be undone."""
        with said():
            count = await service.forget(PRINCIPAL.get(), ids, _key(context))
            return f"Forgot {count} of {len(ids)}."

    @server.tool(
        name="status",
        annotations=ToolAnnotations(read_only_hint=True, open_world_hint=False),
        structured_output=False,
    )
    async def tell_status() -> str:
        """How the memory is: its design, sizes, sandbox, and anything that is not working."""
        with said():
            return await status()


def _add_resources(server: MCPServer[Any], service: MemoryService, champion: Callable[[], Awaitable[str]]) -> None:
    @server.resource("alma://champion", mime_type="text/markdown", description="The memory design that answers now")
    async def live_design() -> str:
        return await champion()

    @server.resource("alma://memory/{memory_id}", mime_type="application/json", description="One stored experience")
    async def memory(memory_id: str) -> str:
        event = await service.memory(PRINCIPAL.get(), memory_id)
        if event is None:
            raise ResourceNotFoundError(f"No memory of this project or user has the id {memory_id!r}.")
        return json.dumps(event.body, indent=1, ensure_ascii=False)


def _agent(context: CallContext) -> str:
    """What the client calls itself."""
    said = context.session.client_params
    return said.client_info.name[:LONGEST_AGENT] if said else ""


def _key(context: CallContext) -> str:
    """What makes a repeated request the same request: its session and its number, where the pump gave one."""
    session = PRINCIPAL.get().session
    return f"{session}:{context.request_id}" if session else ""
