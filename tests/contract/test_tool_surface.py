"""What an assistant sees of us is fixed: names, order, schemas, size. A change is a change of this snapshot."""

import json
from pathlib import Path

from mcp import Client

from alma_mcp.server import build_server

SNAPSHOT = Path(__file__).parent / "tool_surface.json"


async def surface() -> list[dict]:
    async def text() -> str:
        return ""

    async with Client(build_server(None, text, text)) as client:
        tools = (await client.list_tools()).tools
    return [tool.model_dump(by_alias=True, mode="json", exclude_none=True) for tool in tools]


async def test_the_tools_are_those_of_the_snapshot():
    assert await surface() == json.loads(SNAPSHOT.read_text(encoding="utf-8"))


async def test_the_tool_list_stays_under_a_thousand_tokens():
    assert len(json.dumps(await surface())) / 4 < 1000


async def test_no_argument_that_a_tool_does_not_take_is_accepted():
    assert all(tool["inputSchema"]["additionalProperties"] is False for tool in await surface())
