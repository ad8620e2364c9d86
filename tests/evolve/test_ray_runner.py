"""A cluster of two nodes on this machine, one of which is killed in the middle of a job."""

import asyncio
import contextlib
import importlib.util
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from made import write_locomo
from ray_cluster import JOBS, Counted, end_session, play_all

from alma_mcp import errors
from alma_mcp.design_store import Design, bundled_designs
from alma_mcp.errors import DataMissing, EvolveError
from alma_mcp.home import Home
from evolve.benchmarks.locomo import Locomo
from evolve.book import Booked
from evolve.config import SearchSettings
from evolve.episodes import Episodes
from evolve.errors import AgentLost
from evolve.evaluation import TaskResult
from evolve.runners import Job
from evolve.runners.choose import open_runner
from evolve.runners.jobs import Fell, read_job, read_message, write_job, write_message
from evolve.runners.local import LocalRunner

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.2"
"""Loopback as well, and not what Ray takes for the machine's own address."""
LONG = 180

needs_ray = pytest.mark.skipif(
    not importlib.util.find_spec("ray") or sys.platform != "linux",
    reason="cannot run here: Ray is not installed, or this is not Linux",
)
MEASURED = {"latency_ms", "seconds", "memory_bytes", "state_bytes"}


def environment():
    quiet = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
    return os.environ | quiet | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}


@contextlib.contextmanager
def cluster(log):
    """The address of a head without CPUs and two nodes of one CPU each; all of it ends with the context."""
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
    folder = tempfile.mkdtemp(prefix="ray-")
    head = ["--head", f"--port={port}", "--include-dashboard=false", f"--temp-dir={folder}", "--num-cpus=0"]
    node = [f"--address={HOST}:{port}", "--num-cpus=1"]
    sessions = []
    try:
        for arguments in (head, node, node):
            started = _start([*arguments, f"--node-ip-address={HOST}", "--object-store-memory=80000000"], log)
            sessions.append(started.pid)
            assert started.wait(LONG) == 0, log.read_text()
        yield f"{HOST}:{port}"
    finally:
        for session in sessions:
            end_session(session)
        shutil.rmtree(folder, ignore_errors=True)


def _start(arguments, log):
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--disable-usage-stats", *arguments]
    with log.open("a") as file:
        return subprocess.Popen(
            command, stdout=file, stderr=file, stdin=subprocess.DEVNULL, env=environment(), start_new_session=True
        )


def rows(home):
    """What an archive knows of each task, and of each design, without the time and the memory it took."""
    with contextlib.closing(sqlite3.connect(home.archive)) as database:
        results = database.execute("SELECT * FROM results ORDER BY design, split, task").fetchall()
        verdicts = database.execute("SELECT * FROM verdicts ORDER BY design").fetchall()
    return [(*row[:-1], _untimed(json.loads(row[-1]))) for row in (*results, *verdicts)]


def _untimed(body):
    if isinstance(body, list):
        return [_untimed(each) for each in body]
    if isinstance(body, dict):
        return {name: _untimed(each) for name, each in body.items() if name not in MEASURED}
    return body


@needs_ray
def test_a_node_that_is_killed_in_a_job_costs_nothing_twice_and_the_archive_is_that_of_one_machine(
    tmp_path, laboratory
):
    data = write_locomo(tmp_path / "locomo.json")
    here, head, nodes = Home(tmp_path / "here"), Home(tmp_path / "head"), tmp_path / "nodes"
    for folder in (here.path, head.path, nodes):
        folder.mkdir()
    with cluster(tmp_path / "log") as address:
        program = [sys.executable, str(ROOT / "tests" / "ray_cluster.py"), address, *map(str, (data, head.path, nodes))]
        done = subprocess.run(
            program, capture_output=True, text=True, timeout=LONG, check=False, env=environment(), cwd=ROOT
        )
        assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["width"] == 2
    assert len(said["killed"]) == 1
    (missing, sentence), (_, other) = said["fell"]
    assert missing == "DataMissing"
    assert "/nowhere" in sentence
    assert "the benchmark is locomo and here x" in other

    benchmark = Counted(Locomo(data), here.path, hangs=False)
    verdicts = asyncio.run(play_all(LocalRunner(benchmark, laboratory), here))
    tasks = Counter(result.task for verdict in verdicts for result in verdict.results)
    assert len(tasks) == 12 * len(JOBS)
    played = [line.split() for line in (nodes / "played").read_text().splitlines()]
    assert Counter(task for _, task in played) == tasks
    assert len({pid for pid, _ in played}) == 2
    assert rows(head) == rows(here)
    episodes = Episodes(head.episodes).read("locomo")
    assert Counter(episode.game.name for episode in episodes) == tasks


@needs_ray
def test_an_address_where_no_cluster_answers_is_named():
    asked = "import asyncio, evolve.runners.ray as r\nr._look_for('127.0.0.2:1')"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, timeout=LONG, check=False)
    assert "EvolveError: No Ray cluster answers at 127.0.0.2:1" in done.stderr


async def test_without_ray_the_runner_says_what_to_install(tmp_path, laboratory, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    settings = SearchSettings(benchmark="locomo")
    with pytest.raises(EvolveError, match=r"pip install 'alma-mcp\[ray\]'"):
        await open_runner("ray", settings, Home(tmp_path), Locomo(tmp_path), laboratory).__aenter__()


async def test_this_machine_is_a_runner_too(locomo_file, tmp_path, laboratory):
    settings = SearchSettings(benchmark="locomo")
    opened = open_runner("local", settings, Home(tmp_path), Locomo(locomo_file), laboratory, width=2)
    async with opened as runner:
        verdict = await runner.play(Job(bundled_designs()["lexical"], "search"), lambda entry: None)
    assert (runner.width, len(verdict.results)) == (2, 12)


def test_a_job_is_the_same_after_its_way_as_text():
    known = Booked(TaskResult("a", "c", {"score": 0.5}, 3, 1.0, seed=2))
    job = Job(Design("source", "name"), "search", frozenset({"a", "b"}), (known,))
    assert read_job(write_job(job)) == job


@pytest.mark.parametrize("error", [DataMissing("why"), AgentLost("why"), errors.NoSandbox("why")])
def test_an_error_is_the_same_after_its_way_as_text(error):
    fell = read_message(write_message(Fell(type(error).__name__, str(error))))
    assert type(fell.error()) is type(error)
    assert str(fell.error()) == "why"
