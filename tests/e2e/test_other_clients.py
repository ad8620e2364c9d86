"""Clients that are not ours and not the SDK's own: FastMCP's, and the Inspector's command line."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from fastmcp import Client
from fastmcp.client.transports import StdioTransport

ROOT = Path(__file__).resolve().parents[2]
INSPECTOR = "@modelcontextprotocol/inspector@0.15.0"


async def test_fastmcps_client_stores_and_retrieves(machine):
    transport = StdioTransport(machine.pump[0], machine.pump[1:], cwd=str(machine.project))
    async with Client(transport) as client:
        await client.call_tool("update", {"text": "The kiln fires at noon."})
        answer = await client.call_tool("retrieve", {"query": "kiln"})
        assert "fires at noon" in answer.content[0].text


def test_fastmcps_configuration_names_a_server_that_loads():
    source = json.loads((ROOT / "fastmcp.json").read_text())["source"]
    names: dict = {}
    exec(compile((ROOT / source["path"]).read_text(), source["path"], "exec"), names)
    assert names[source["entrypoint"]].name == "alma-mcp"


@pytest.fixture(scope="session")
def inspector():
    """The Inspector's command line, installed once into the cache of this clone."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("cannot run here: the Inspector needs Node.js and npm")
    folder = ROOT / ".cache" / "inspector"
    program = folder / "node_modules" / ".bin" / "mcp-inspector"
    if not program.exists():
        command = [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), INSPECTOR]
        subprocess.run(command, check=True, capture_output=True, timeout=300)
    return program


def test_the_inspector_lists_the_tools_and_calls_them(machine, inspector):
    def inspect(*arguments: str) -> dict:
        command = [inspector, "--cli", *machine.pump, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=machine.project, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    names = [tool["name"] for tool in inspect("--method", "tools/list")["tools"]]
    assert names == ["retrieve", "update", "feedback", "forget", "status"]
    call = ("--method", "tools/call", "--tool-name")
    inspect(*call, "update", "--tool-arg", "text=The kiln fires at noon.")
    assert "fires at noon" in inspect(*call, "retrieve", "--tool-arg", "query=kiln")["content"][0]["text"]
