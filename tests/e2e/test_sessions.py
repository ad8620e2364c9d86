"""Assistants in sessions: a real client, a real pump, a real engine, both protocol eras."""

import asyncio
import json
import re

import pytest
from mcp.shared.exceptions import MCPError

ERAS = ("legacy", "auto")
TOOLS = ["retrieve", "update", "feedback", "forget", "status"]


@pytest.mark.parametrize("era", ERAS)
async def test_what_one_session_stores_a_later_one_finds(machine, say, era):
    async with machine.client(era) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == TOOLS
        stored = await client.call_tool("update", {"text": "The flaky login test needs TZ=UTC.", "kind": "fix"})
        assert not stored.is_error
        assert "Remembered" in say(stored)
        assert "TZ=UTC" in say(await client.call_tool("retrieve", {"query": "login test is flaky"}))
    async with machine.client(era) as client:
        found = await client.call_tool("retrieve", {"query": "why does the login test fail?"})
        assert "TZ=UTC" in say(found)


async def test_two_sessions_share_one_engine_and_one_memory(machine, say):
    async with machine.client("legacy") as first, machine.client("auto") as second:
        await first.call_tool("update", {"text": "Deploys go through the blue pipeline."})
        engine = machine.engine
        assert "blue pipeline" in say(await second.call_tool("retrieve", {"query": "how do deploys work?"}))
        assert machine.engine == engine


async def test_projects_do_not_see_one_another_and_both_see_the_user(machine, say, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    async with machine.client() as here, machine.client(project=other) as there:
        await here.call_tool("update", {"text": "This project compiles with zig."})
        await here.call_tool("update", {"text": "The user likes short answers.", "scope": "user"})
        answer = say(await there.call_tool("retrieve", {"query": "zig compiles, short answers"}))
        assert "short answers" in answer
        assert "zig" not in answer.replace("zig compiles", "")


async def test_a_forgotten_memory_is_gone_from_answers_and_from_the_disk(machine, say):
    async with machine.client() as client:
        stored = say(await client.call_tool("update", {"text": "The quokka password hint is eucalyptus."}))
        memory_id = re.search(r"m[0-9a-f]{16}", stored).group()
        assert "eucalyptus" in say(await client.call_tool("retrieve", {"query": "quokka hint"}))
        assert "Forgot 1" in say(await client.call_tool("forget", {"ids": [memory_id]}))
        assert "eucalyptus" not in say(await client.call_tool("retrieve", {"query": "quokka hint"}))
        with pytest.raises(MCPError, match="No memory"):
            await client.read_resource(f"alma://memory/{memory_id}")
    for path in machine.home.path.rglob("*"):
        if path.is_file():
            assert b"eucalyptus" not in path.read_bytes(), path


@pytest.mark.parametrize("era", ERAS)
async def test_resources_show_the_champion_and_a_stored_experience(machine, say, era):
    async with machine.client(era) as client:
        stored = say(await client.call_tool("update", {"text": "Use port 8080.", "task": "serve"}))
        memory_id = re.search(r"m[0-9a-f]{16}", stored).group()
        champion = (await client.read_resource("alma://champion")).contents[0].text
        memory = json.loads((await client.read_resource(f"alma://memory/{memory_id}")).contents[0].text)
    assert "class " in champion
    assert memory["task"] == "serve"
    assert memory["agent"]


async def test_secrets_are_redacted_before_they_reach_the_disk(machine, say):
    token = "ghp_" + "Zz9" * 12
    async with machine.client() as client:
        await client.call_tool("update", {"text": f"the token is {token}", "task": token, "outcome": token})
        answer = say(await client.call_tool("retrieve", {"query": "token"}))
    assert "[REDACTED:github-token:" in answer
    for path in machine.home.path.rglob("*"):
        if path.is_file():
            assert token.encode() not in path.read_bytes()


async def test_feedback_is_taken_and_unknown_ids_are_refused(machine, say):
    async with machine.client() as client:
        stored = say(await client.call_tool("update", {"text": "Run make test."}))
        memory_id = re.search(r"m[0-9a-f]{16}", stored).group()
        assert "1 of 1" in say(await client.call_tool("feedback", {"ids": [memory_id], "signal": "helpful"}))
        refused = await client.call_tool("feedback", {"ids": ["m0"], "signal": "helpful"})
    assert refused.is_error
    assert "m0" in say(refused)


@pytest.mark.parametrize(
    ("tool", "arguments", "sentence"),
    [
        ("update", {"text": "x", "colour": "red"}, "takes no `colour`"),
        ("update", {"text": "   "}, "`text` is empty"),
        ("update", {"text": "x" * 10_000_000}, "at most 200,000"),
        ("update", {"text": "x", "reward": 7}, "reward"),
        ("retrieve", {"query": ""}, "`query` is empty"),
        ("retrieve", {"query": "x", "limit": 0}, "limit"),
        ("forget", {"ids": []}, "Name 1 to"),
    ],
)
async def test_bad_arguments_are_tool_errors_in_one_sentence(machine, say, tool, arguments, sentence):
    async with machine.client() as client:
        refused = await client.call_tool(tool, arguments)
        assert refused.is_error
        assert sentence in say(refused)
        assert "Traceback" not in say(refused)
        assert "0 events" in say(await client.call_tool("status", {}))


async def test_lines_that_are_no_messages_are_answered_and_the_session_goes_on(machine):
    process = await asyncio.create_subprocess_exec(
        *machine.pump,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=machine.project,
        limit=2**24,
    )
    for line in (b'{"id": 7, "text": "\xff\xfe"}', b"not json", b"[" * 100_000, b'{"id": 8, "method": "\\ud800"}'):
        process.stdin.write(line + b"\n")
        answer = json.loads(await asyncio.wait_for(process.stdout.readline(), 30))
        assert answer["error"]["code"] == -32700
        assert "Nothing was stored" in answer["error"]["message"]
    process.stdin.write(json.dumps(INITIALIZE).encode() + b"\n")
    assert (
        json.loads(await asyncio.wait_for(process.stdout.readline(), 30))["result"]["serverInfo"]["name"] == "alma-mcp"
    )
    process.stdin.close()
    assert await asyncio.wait_for(process.wait(), 30) == 0


INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}
