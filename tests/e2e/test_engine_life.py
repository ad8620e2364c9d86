"""The engine's life: killed, hung, asked to go, superseded. No session notices more than a pause."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
from mcp import Client


async def test_an_acknowledged_update_survives_kill_9_and_is_there_exactly_once(machine, say):
    rounds, per_round = 4, 8
    acknowledged = []
    async with machine.client() as client:
        await client.call_tool("status", {})
        for number in range(rounds):
            calls = [
                asyncio.create_task(client.call_tool("update", {"text": f"fact number {number * per_round + each}"}))
                for each in range(per_round)
            ]
            await asyncio.wait(calls[:2], return_when=asyncio.FIRST_COMPLETED)
            machine.kill_engine()
            for answer in await asyncio.gather(*calls):
                assert not answer.is_error
                acknowledged.append(re.search(r"m[0-9a-f]{16}", say(answer)).group())
        stored = [(await client.read_resource(f"alma://memory/{each}")).contents[0].text for each in acknowledged]
        assert len(set(acknowledged)) == rounds * per_round
        assert len(set(stored)) == rounds * per_round
        assert f"{rounds * per_round} events" in say(await client.call_tool("status", {}))


async def test_an_engine_that_hangs_is_replaced_while_a_session_waits(machine, say):
    async with machine.client("legacy") as client:
        await client.call_tool("update", {"text": "The cache is in Redis."})
        hung = machine.engine
        os.kill(hung, signal.SIGSTOP)
        assert "Redis" in say(await client.call_tool("retrieve", {"query": "where is the cache?"}))
        assert machine.engine != hung


async def test_a_new_session_does_not_wait_for_a_hung_engine(machine, say):
    async with machine.client() as client:
        await client.call_tool("update", {"text": "The cache is in Redis."})
    hung = machine.engine
    os.kill(hung, signal.SIGSTOP)
    async with machine.client() as client:
        assert "Redis" in say(await client.call_tool("retrieve", {"query": "where is the cache?"}))


async def test_sessions_outlive_an_engine_that_is_told_to_stop(machine, say):
    async with machine.client("legacy") as old, machine.client("auto") as new:
        await old.call_tool("update", {"text": "Tea at four."})
        first = machine.engine
        assert (await asyncio.to_thread(machine.command, "stop")).returncode == 0
        assert "Tea at four" in say(await old.call_tool("retrieve", {"query": "tea"}))
        assert "Tea at four" in say(await new.call_tool("retrieve", {"query": "tea"}))
        assert machine.engine != first


async def test_an_older_engine_hands_over_to_a_newer_pump(machine, say):
    async with machine.client() as client:
        await client.call_tool("update", {"text": "Version one wrote this."})
        older = machine.engine
        newer = (
            "import sys; import alma_mcp, alma_mcp.rendezvous as rendezvous\n"
            "rendezvous.__version__ = '99.0.0'\n"
            "from pathlib import Path; from alma_mcp.home import Home\n"
            "started = rendezvous._start\n"
            "rendezvous._older = lambda version, seen=[]: not seen and not seen.append(1)\n"
            "print(rendezvous.meet(Home(Path(sys.argv[1])), {'role': 'control'}).version)"
        )
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", newer, str(machine.home.path)],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        assert machine.engine != older
        assert "Version one" in say(await client.call_tool("retrieve", {"query": "who wrote this"}))


async def test_many_sessions_that_start_at_once_get_one_engine(machine, say):
    async def session(number: int) -> str:
        async with machine.client() as client:
            await client.call_tool("update", {"text": f"note {number}"})
            return say(await client.call_tool("status", {}))

    await asyncio.gather(*(session(number) for number in range(6)))
    assert "6 events" in machine.command("status").stdout


async def test_the_engine_leaves_no_worker_behind(machine):
    async with machine.client() as client:
        await client.call_tool("update", {"text": "x y z"})
        await client.call_tool("retrieve", {"query": "x"})
        engine = machine.engine
        assert children_of(engine)
    machine.kill_engine()
    for _ in range(200):
        if not any(str(machine.home.path) in command for command in commands()):
            break
        await asyncio.sleep(0.05)
    assert not [command for command in commands() if str(machine.home.projections) in command]


async def test_the_same_tools_are_served_over_http_on_loopback(machine, say):
    process = await asyncio.create_subprocess_exec(
        *machine.pump,
        *("serve", "--http", "127.0.0.1:0"),
        stdout=asyncio.subprocess.PIPE,
        cwd=machine.project,
        preexec_fn=heed_interrupts,
    )
    line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
    url = re.search(r"http://\S+/mcp", line).group()
    for era in ("legacy", "auto"):
        async with Client(url, mode=era, read_timeout_seconds=60) as client:
            await client.call_tool("update", {"text": f"stored over http in {era}"})
            assert era in say(await client.call_tool("retrieve", {"query": "stored over http"}))
    async with machine.client() as client:
        assert "stored over http" in say(await client.call_tool("retrieve", {"query": "stored over http"}))
    for header in ("Host", "Origin"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            await asyncio.to_thread(
                post, url, {header: "http://evil.example" if header == "Origin" else "evil.example"}
            )
        with refused.value:
            assert 400 <= refused.value.code < 500
    assert (await asyncio.to_thread(machine.command, "stop")).returncode == 0
    line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
    assert "Serving" in line, "the server did not come back with the next engine"
    process.send_signal(signal.SIGINT)
    await asyncio.wait_for(process.wait(), 30)


def heed_interrupts() -> None:
    """As in a terminal: a suite that runs in the background of a shell inherits that they are ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_an_address_that_others_can_reach_is_refused(machine):
    done = machine.command("serve", "--http", "0.0.0.0:8765")
    assert done.returncode == 1
    assert "not a loopback address" in done.stderr


def post(url: str, headers: dict[str, str]) -> None:
    accepted = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    urllib.request.urlopen(urllib.request.Request(url, b"{}", {**accepted, **headers}), timeout=30).close()


def commands() -> list[str]:
    return subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout.splitlines()


def children_of(pid: int) -> list[str]:
    listed = subprocess.run(["ps", "--ppid", str(pid), "-o", "pid="], capture_output=True, text=True, check=False)
    return listed.stdout.split()


async def test_an_engine_that_nobody_needs_ends_itself(machine):
    machine.home.settings.write_text('embedder = "none"\nfirst_champion = "lexical"\nidle_minutes = 0.001\n')
    async with machine.client() as client:
        await client.call_tool("status", {})
        assert machine.engine
    async with asyncio.timeout(60):
        while machine.engine:
            await asyncio.sleep(0.1)
    assert "nobody needs the engine" in machine.home.engine_log.read_text()
