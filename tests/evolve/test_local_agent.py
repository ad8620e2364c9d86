import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from alma_mcp.errors import EvolveError
from evolve.agents import Situation
from evolve.agents.choose import open_agent
from evolve.agents.local import LocalModel, served

HERE = Path(__file__).resolve().parents[2]
SITUATION = Situation("textworld", "find the coin", "A hall.", "A hall.", ("go east", "go west"))
SERVER = '''#!{python}
"""A stand-in for llama-server: it writes down how it was started, loads, and always goes west."""
import http.server, json, os, pathlib, sys

HERE = pathlib.Path(__file__).parent
HERE.joinpath("started.json").write_text(json.dumps([os.getpid(), sys.argv[1:], dict(os.environ)]))
MODE, BUSY = {mode!r}, 2
if MODE == "dies":
    print("llama_model_load: invalid magic", flush=True)
    sys.exit(3)
print("talk " * 40_000, flush=True)

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        global BUSY
        BUSY -= MODE == "works"
        self.answer(503 if BUSY >= 0 else 200, {{"status": "?"}})

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        known = self.headers["authorization"] == "Bearer " + os.environ["LLAMA_API_KEY"]
        message = {{"role": "assistant", "content": json.dumps({{"action": "go west"}})}}
        self.answer(200 if known else 401, {{"choices": [{{"index": 0, "finish_reason": "stop", "message": message}}]}})

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_):
        pass

port = int(sys.argv[sys.argv.index("--port") + 1])
http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
'''


@pytest.fixture
def model(tmp_path):
    file = tmp_path / "small.gguf"
    file.write_bytes(b"GGUF")
    return file


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Writes a `llama-server` that works, dies or hangs; gives its path."""

    def write(mode):
        program = tmp_path / "llama-server"
        program.write_text(SERVER.format(python=sys.executable, mode=mode))
        program.chmod(0o755)
        monkeypatch.setenv("ALMA_EVOLVE_LLAMA_SERVER", str(program))
        return program

    return write


def started(folder):
    """The process id, the arguments and the environment of the stand-in, once it has begun."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        text = (folder / "started.json").read_text() if (folder / "started.json").exists() else ""
        if text.endswith("]"):
            return json.loads(text)
    raise AssertionError("the stand-in never began")


def gone(process):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            stat = Path(f"/proc/{process}/stat").read_text() if sys.platform == "linux" else os.kill(process, 0)
        except OSError:
            return True
        if stat and stat.rpartition(")")[2].split()[0] == "Z":
            return True
    return False


async def test_a_local_model_plays_and_its_server_ends_with_it(server, model, tmp_path, monkeypatch):
    server("works")
    monkeypatch.setenv("ALMA_EVOLVE_AGENT_API_KEY", "not-for-a-model-server")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with open_agent(f"local:{model}") as agent:
        decision = await agent.act(SITUATION)
    process, arguments, environment = started(tmp_path)
    assert decision.action == "go west"
    assert agent.name.startswith("local:small@")
    assert gone(process)
    assert arguments[arguments.index("--host") + 1] == "127.0.0.1"
    assert "not-for-a-model-server" not in environment.values()


async def test_other_bytes_are_another_agent(server, model, monkeypatch):
    server("works")
    monkeypatch.setenv("ALMA_EVOLVE_LOCAL_MODEL", str(model))
    names = []
    for content in (b"GGUF", b"GGUF", b"GGUF2"):
        model.write_bytes(content)
        async with open_agent("local") as agent:
            names.append(agent.name)
    assert names[0] == names[1] != names[2]


async def test_a_server_that_dies_while_loading_is_told_with_its_last_words(server, model):
    server("dies")
    with pytest.raises(EvolveError, match=r"ended with code 3 while loading .*(?s:.*)invalid magic"):
        async with open_agent(f"local:{model}"):
            pass


async def test_a_server_that_never_has_its_model_is_ended(server, model, tmp_path):
    heard = []
    slow = LocalModel(model, str(server("hangs")), seconds=1.0)
    with pytest.raises(EvolveError, match="was not loaded within 1 seconds"):
        async with served(slow, "key", heard.append):
            pass
    assert gone(started(tmp_path)[0])
    assert heard[0].startswith("Loading small.gguf")


async def test_a_cancelled_wait_ends_the_server(server, model, tmp_path):
    server("hangs")

    async def wait():
        async with open_agent(f"local:{model}"):
            pass

    waiting = asyncio.create_task(wait())
    process, *_ = await asyncio.to_thread(started, tmp_path)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert gone(process)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_server_does_not_outlive_an_interrupted_or_killed_process(server, model, tmp_path, how):
    if how == signal.SIGKILL and sys.platform != "linux":
        pytest.skip("only Linux ends a child with its parent")
    server("hangs")
    code = f"""
import asyncio, signal
from evolve.agents.choose import open_agent

signal.signal(signal.SIGINT, signal.default_int_handler)

async def main():
    async with open_agent("local:{model}"):
        pass

asyncio.run(main())
"""
    playing = subprocess.Popen([sys.executable, "-c", code], cwd=HERE, stderr=subprocess.DEVNULL)
    process, *_ = started(tmp_path)
    playing.send_signal(how)
    playing.wait(60)
    assert gone(process)


async def test_what_is_missing_is_told_with_how_to_get_it(server, model, monkeypatch):
    server("works")
    monkeypatch.delenv("ALMA_EVOLVE_LOCAL_MODEL", raising=False)
    sentences = {"local": "set ALMA_EVOLVE_LOCAL_MODEL", "local:/nowhere.gguf": "There is no model at /nowhere.gguf"}
    for name, sentence in sentences.items():
        with pytest.raises(EvolveError, match=sentence):
            async with open_agent(name):
                pass
    monkeypatch.setenv("ALMA_EVOLVE_LLAMA_SERVER", "/nowhere/llama-server")
    with pytest.raises(EvolveError, match="There is no program /nowhere/llama-server: install llama"):
        async with open_agent(f"local:{model}"):
            pass
