"""`make demo`: the main job in front of you, with real processes and real data, in a home of its own."""

import asyncio
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mcp import Client, StdioServerParameters
from rich.console import Console

from alma_mcp.control import control
from alma_mcp.design_store import DesignStore
from alma_mcp.errors import AlmaError
from alma_mcp.home import Home
from alma_mcp.hosts.docker import DockerHost, image_is_built
from alma_mcp.hosts.docker_daemon import docker_answers
from evolve.benchmarks.git_history import read_commits
from evolve.evaluated_memory import Laboratory
from evolve.verify import verify
from scripts.person import BIN, Person

ROOT = Path(__file__).resolve().parent.parent
LOCOMO = ROOT / "../shared/data/locomo/locomo_dev7.json"
FIRST_CHAMPION = "trajectory_retrieval"
MEMORIES = 150
CLIENTS = 4
QUESTION = "how is the sandbox made safe, and which files are about it?"

console = Console(highlight=False)


@dataclass
class Count:
    """Calls during the swap."""

    answered: int = 0
    failed: int = 0
    slowest: float = 0.0
    designs: set[str] = field(default_factory=set)


async def demo(home: Home) -> None:
    """Remember, recall, search, approve, swap under load, roll back."""
    home.settings.write_text(f'first_champion = "{FIRST_CHAMPION}"\ncanary_share = 0\n')
    step("1. An assistant stores and retrieves", f"a real MCP client, a new home; the champion is {FIRST_CHAMPION}")
    async with session(home) as client:
        stored = await remember(client)
        console.print(f"stored {stored} memories of this project's past; asked: [italic]{QUESTION}[/]")
        console.print(await recall(client), style="dim")

    step("2. Two rounds of search", "no model, no key: mechanisms of archived designs are recombined, in the sandbox")
    configuration = "demo_locomo.toml" if LOCOMO.exists() else "demo_git.toml"
    options = ["--config", str(ROOT / "configs" / "evolve" / configuration)]
    await run("alma-evolve", home, "run", "--rounds", "2", *options)

    step("3. The gate", f"the best finalist against {FIRST_CHAMPION}, on tasks that the search never saw")
    said = await run("alma-evolve", home, "promote", *options, capture=True)
    console.print(said, style="dim", end="")
    passed = "The gate passed" in said
    if not passed:
        console.print(
            "[yellow]The gate said no. To show the swap all the same, the person approves against the evidence.[/]"
        )
    short = said.rsplit(maxsplit=1)[-1]

    await check_in_docker(home, short)

    step("4. A person approves, the server swaps under load", "scripted here: own home, own passphrase, own terminal")
    count = Count()
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(session(home)) for _ in range(CLIENTS)]
        stop = asyncio.Event()
        load = [asyncio.create_task(ask(client, stop, count)) for client in clients]
        before = await champion(home)
        started = time.perf_counter()
        shown = await asyncio.to_thread(Person(home.path).approve, short, *(() if passed else ("--against-evidence",)))
        console.print(shown.strip().splitlines()[-1], style="dim")
        while (after := await champion(home)) == before:
            await asyncio.sleep(0.05)
        seconds = time.perf_counter() - started
        stop.set()
        await asyncio.gather(*load)
        console.print(
            f"[bold]{before} -> {after}[/] in {seconds:.1f} s, with {CLIENTS} clients asking all the time:"
            f" [bold green]{count.answered} calls answered[/], [bold]{count.failed} failed[/],"
            f" slowest {count.slowest * 1000:.0f} ms"
        )
        console.print(await recall(clients[0]), style="dim")

        step("5. Rollback", "back to the champion before, everything learnt is kept")
        milliseconds = await roll_back(home, before)
        console.print(f"[bold]{before}[/] serves again, {milliseconds:.0f} ms after the word")
    console.print("\nNothing is left behind: the engine ends, and the demo's home is removed.", style="bold")


async def check_in_docker(home: Home, short: str) -> None:
    """The same design in the other sandbox, where Docker is there and has the image."""
    if not docker_answers():
        console.print("No Docker here; bubblewrap contains the designs.", style="dim")
        return
    if not image_is_built():
        console.print(
            "Docker is here, but not the image that designs run in: envs_docker/design/Dockerfile.", style="dim"
        )
        return
    host = await DockerHost.open()
    try:
        rejection = await verify(DesignStore(home.designs).find(short), Laboratory(host, None))
    finally:
        await host.close()
    console.print(f"{short} in {host.name}: {rejection.reason if rejection else 'keeps the contract there as well'}")


async def remember(client: Client) -> int:
    """Store the newest commits of this clone, one update each."""
    commits = read_commits(ROOT)[-MEMORIES:]
    for number, commit in enumerate(commits, start=1):
        sys.stderr.write(f"\rstoring {number} of {len(commits)} ")
        text = f"Changed {', '.join(commit.files[:12])}"
        result = await client.call_tool("update", {"text": text, "task": commit.message[:2000], "kind": "trajectory"})
        if result.is_error:
            raise AlmaError(text_of(result))
    sys.stderr.write("\r")
    return len(commits)


async def recall(client: Client) -> str:
    """The first lines of an answer."""
    result = await client.call_tool("retrieve", {"query": QUESTION, "limit": 3, "max_tokens": 160})
    return "\n".join(line[: console.width - 1] for line in text_of(result).splitlines()[:9])


async def ask(client: Client, stop: asyncio.Event, count: Count) -> None:
    while not stop.is_set():
        started = time.perf_counter()
        result = await client.call_tool("retrieve", {"query": QUESTION})
        count.slowest = max(count.slowest, time.perf_counter() - started)
        if result.is_error or "not answering" in text_of(result):
            count.failed += 1
        else:
            count.answered += 1


async def champion(home: Home) -> str:
    async with control(home) as engine:
        return str((await engine.request("champion", {}))["name"])


async def roll_back(home: Home, expected: str) -> float:
    """Milliseconds from the request until the earlier champion serves."""
    async with control(home) as engine:
        started = time.perf_counter()
        await engine.request("ledger.roll_back", {})
        while (await engine.request("champion", {}))["name"] != expected:
            await asyncio.sleep(0.001)
        return (time.perf_counter() - started) * 1000


@contextlib.asynccontextmanager
async def session(home: Home) -> AsyncIterator[Client]:
    """What a client's configuration starts: a pump, in this project."""
    server = StdioServerParameters(command=str(BIN / "alma-mcp"), args=["--home", str(home.path)], cwd=ROOT)
    async with Client(server, read_timeout_seconds=60) as client:
        yield client


async def run(program: str, home: Home, *arguments: str, capture: bool = False) -> str:
    """Run a command in front of the person. Raises `AlmaError` when it fails."""
    console.print(f"$ {program} {' '.join(arguments)}".replace(f"{ROOT}/", ""), style="cyan")
    pipe = asyncio.subprocess.PIPE if capture else None
    command = [str(BIN / program), "--home", str(home.path), *arguments]
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, cwd=ROOT)
    out, _ = await process.communicate()
    if process.returncode:
        raise AlmaError(f"{program} {arguments[0]} ended with code {process.returncode}.")
    return out.decode() if out else ""


def text_of(result: object) -> str:
    return "\n".join(part.text for part in result.content)  # type: ignore[attr-defined]


def step(title: str, more: str) -> None:
    console.rule(f"[bold]{title}", align="left")
    console.print(more)


@contextlib.contextmanager
def new_home() -> Iterator[Home]:
    """A home that is gone afterwards, with its engine."""
    with tempfile.TemporaryDirectory(prefix="alma-demo-") as folder:
        home = Home(Path(folder) / "home")
        home.prepare()
        try:
            yield home
        finally:
            subprocess.run([BIN / "alma-mcp", "--home", home.path, "stop"], capture_output=True, check=False)


def main() -> int:
    started = time.monotonic()
    try:
        with new_home() as home:
            asyncio.run(demo(home))
    except AlmaError as error:
        sys.stderr.write(f"demo: {error}\n")
        return 1
    console.print(f"demo: {time.monotonic() - started:.0f} seconds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
