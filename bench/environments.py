"""What a step costs beyond the game itself: through the container's lines, against the same game in the same image.

    python -m bench.environments [--steps 200] [--rounds 5] [--json]

For each domain whose image is built and whose games are there. The same steps are taken both ways in turn, `rounds`
times; the overhead is the difference of the medians.
"""

import argparse
import asyncio
import dataclasses
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from alma_mcp.errors import AlmaError
from alma_mcp.hosts.docker_daemon import Attachment
from evolve.benchmarks.courses import course
from evolve.benchmarks.game_files import games_of
from evolve.environments import DOMAINS, FAMILIES, Domain
from evolve.environments.container import Containers
from evolve.environments.images import image_name, is_built
from evolve.environments.link import LONGEST_LINE
from evolve.episode import Game

STEPS: Mapping[Domain, Sequence[str]] = {
    "alfworld": ("look", "inventory"),
    "textworld": ("look", "inventory"),
    "babaisai": ("left", "right"),
    "minihack": ("search", "north", "south"),
}
BARE = """
import json, os, runpy, sys, time
answers = os.dup(1); os.dup2(2, 1)
sys.path.insert(0, "/opt/alma")
import lines
domains = {}
lines.serve = lambda found, sources: domains.update(found)
domain, game, seed, steps = sys.argv[1], sys.argv[2], int(sys.argv[3]), json.loads(sys.argv[4])
sys.argv = ["env.py"]
runpy.run_path("/opt/alma/env.py", run_name="__main__")
played = domains[domain]()
played.reset(game, seed)
times = []
for step in steps:
    started = time.perf_counter()
    played.step(step)
    times.append(time.perf_counter() - started)
os.write(answers, json.dumps(times).encode() + b"\\n")
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.environments", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    chosen = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory(prefix="alma-bench-") as folder:
        for domain in DOMAINS:
            try:
                results[domain] = asyncio.run(measure(domain, Path(folder), chosen.steps, chosen.rounds))
            except AlmaError as error:
                sys.stderr.write(f"bench: {domain} is left out: {error}\n")
    if chosen.json:
        print(json.dumps(results))
    else:
        show(results)


async def measure(domain: Domain, folder: Path, steps: int, rounds: int) -> dict[str, float]:
    """Medians in milliseconds: a step of the game alone, through the container, the difference; readiness, reset."""
    family = FAMILIES[domain]
    if not is_built(family):
        raise AlmaError(f"its image is not built; `alma-evolve images build {domain}` makes it")
    games = games_of(domain, None, folder)
    game = course(domain, games, "train").collection[0]
    taken = [STEPS[domain][number % len(STEPS[domain])] for number in range(steps)]
    containers = await Containers.open(family, image_name(family), games)
    bare, contained, ready, resets = [], [], [], []
    try:
        for _ in range(rounds):
            bare += await alone(containers, game, taken)
            started = time.perf_counter()
            environment = await containers.start()
            ready.append(time.perf_counter() - started)
            started = time.perf_counter()
            await environment.reset(game.domain, game.name, game.seed)
            resets.append(time.perf_counter() - started)
            for step in taken:
                started = time.perf_counter()
                await environment.step(step)
                contained.append(time.perf_counter() - started)
            await environment.close()
    finally:
        await containers.close()
    medians = [statistics.median(times) * 1000 for times in (bare, contained, ready, resets)]
    names = ("the game alone", "through the container", "container ready", "first reset")
    return {**dict(zip(names, medians, strict=True)), "overhead": medians[1] - medians[0]}


async def alone(containers: Containers, game: Game, steps: Sequence[str]) -> list[float]:
    """Seconds of each step, taken inside the container without the protocol."""
    arguments = (game.domain, game.name, str(game.seed), json.dumps(steps))
    command = ("/opt/env/bin/python", "-B", "-c", BARE, *arguments)
    inside = dataclasses.replace(containers, command=command)
    attachment = await Attachment.start(inside.client, await asyncio.to_thread(inside.create), LONGEST_LINE)
    try:
        line = await attachment.frames.readline()
        if not line:
            raise AlmaError("the game alone said: " + " ".join(attachment.last_lines)[-300:])
        return [float(each) for each in json.loads(line)]
    finally:
        await attachment.close()


def show(results: Mapping[str, Mapping[str, float]]) -> None:
    table = Table(title="Environments, medians in milliseconds")
    table.add_column("")
    for domain in results:
        table.add_column(domain, justify="right")
    for name in next(iter(results.values()), {}):
        table.add_row(name, *(f"{result[name]:,.2f}" for result in results.values()))
    Console().print(table)


if __name__ == "__main__":
    main()
