"""A Ray cluster that is there already: jobs go to its nodes as text, what is played comes back task by task."""

import asyncio
import contextlib
import logging
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from typing import Any

import ray
from ray import exceptions

from alma_mcp import __version__
from alma_mcp.errors import EvolveError
from evolve.book import Booked
from evolve.episode import Episode
from evolve.episodes import Episodes
from evolve.errors import InfrastructureFault
from evolve.evaluation import VERSION, Verdict
from evolve.runners import Job, Keep
from evolve.runners.bench import BenchSettings
from evolve.runners.jobs import Fell, Finished, Kept, Message, Opened, read_message, write_job
from evolve.runners.node import Node
from evolve.runners.workers import Workers

OPENING = "evolve.runners.bench:open_bench"
TRIES = 5
PATIENCE = 600.0
ANSWERS_WITHIN = 60.0
LOST = (
    exceptions.RayActorError,
    exceptions.WorkerCrashedError,
    exceptions.NodeDiedError,
    exceptions.LocalRayletDiedError,
    exceptions.ObjectLostError,
    exceptions.ObjectFetchTimedOutError,
    exceptions.OutOfMemoryError,
    exceptions.RaySystemError,
)
"""What Ray says of a node, a worker or an object that is gone: nobody's fault, and elsewhere it may do."""


class RayRunner:
    """Implements `Runner`. `open_ray` makes one."""

    def __init__(self, workers: "Workers[RayWorker]", width: int, episodes: Episodes) -> None:
        self.width = width
        self._workers = workers
        self._episodes = episodes

    async def play(self, job: Job, keep: Keep) -> Verdict:
        known = list(job.known)

        def take(entry: Booked) -> None:
            keep(entry)
            known.append(entry)

        reason = ""
        for _ in range(TRIES):
            worker = await self._workers.lend()
            try:
                verdict = await self._played(worker, replace(job, known=tuple(known)), take)
            except LOST as error:
                self._workers.lost(worker)
                reason = _sentence(error)
            except BaseException:
                self._workers.give_back(worker)
                raise
            else:
                self._workers.give_back(worker)
                return verdict
        raise InfrastructureFault(
            f"{job.design.name} was lost with {TRIES} workers one after another ({reason}); look at the nodes with"
            " `ray status`, then start again: what was played is kept."
        )

    async def _played(self, worker: "RayWorker", job: Job, keep: Keep) -> Verdict:
        verdict: Verdict | None = None
        async with contextlib.aclosing(worker.play(write_job(job))) as told:
            async for lines in told:
                for line in lines.splitlines():
                    match read_message(line):
                        case Kept(entry, episode):
                            if episode is not None:
                                self._episodes.keep(worker.opened.benchmark, Episode.from_json(episode))
                            keep(entry)
                        case Finished(came):
                            verdict = came
                        case Fell() as fell:
                            raise fell.error()
        if verdict is None:
            raise exceptions.WorkerCrashedError
        return verdict


class RayWorker:
    """An actor on a node, whose benchmark is open."""

    def __init__(self, actor: Any, opened: Opened) -> None:
        self.opened = opened
        self._actor = actor

    async def play(self, job: str) -> AsyncGenerator[str, None]:
        """What the node tells of a job; it stops playing where nobody listens any more."""
        stream = self._actor.play.options(num_returns="streaming").remote(job)
        ended = False
        try:
            async for reference in stream:
                yield await reference
            ended = True
        finally:
            if not ended:
                ray.cancel(stream)

    async def close(self) -> None:
        with contextlib.suppress(*LOST):
            await self._actor.close.remote()

    def end(self) -> None:
        ray.kill(self._actor)


@contextlib.asynccontextmanager
async def open_ray(
    address: str,
    settings: BenchSettings,
    benchmark: str,
    episodes: Episodes,
    *,
    width: int | None = None,
    cpus: float = 1.0,
    opening: str = OPENING,
    patience: float = PATIENCE,
) -> AsyncIterator[RayRunner]:
    """Reach the cluster at HOST:PORT, and hire workers of so many CPUs: as many as it has room for, unless told.

    `benchmark` is its name here: a node where it has another name has other games, another agent or another image, and
    is refused. Trajectories come back into `episodes`. Raises `EvolveError` where no cluster answers.
    """
    await asyncio.to_thread(_look_for, address)
    _connect(address)
    try:
        wide = width or _room(cpus)
        sent = ray.put(settings.to_json())
        # a class of ours is sent by its name
        hired = ray.remote(Node).options(num_cpus=cpus, max_restarts=0, scheduling_strategy="SPREAD")

        async def hire() -> RayWorker:
            return await _hired(hired, opening, sent, benchmark)

        workers = Workers(hire, wide, patience)
        try:
            yield RayRunner(workers, wide, episodes)
        finally:
            await workers.close()
    finally:
        ray.shutdown()


async def _hired(node: Any, opening: str, settings: Any, benchmark: str) -> RayWorker:
    reason = ""
    for _ in range(TRIES):
        actor = node.remote()
        try:
            opened = _checked(read_message(await actor.open.remote(opening, settings)), benchmark)
        except LOST as error:
            reason = _sentence(error)
        except BaseException:
            ray.kill(actor)
            raise
        else:
            return RayWorker(actor, opened)
    raise InfrastructureFault(f"{TRIES} workers were lost before they could play ({reason}); see `ray status`.")


def _room(cpus: float) -> int:
    """How many workers of so many CPUs the nodes have room for, at least one."""
    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return max(1, sum(int(node["Resources"].get("CPU", 0) / cpus) for node in nodes if node["Alive"]))


def _checked(opened: Message, benchmark: str) -> Opened:
    """What a node has opened, if it is what is open here. Raises `EvolveError`, or what kept it from opening it."""
    if isinstance(opened, Fell):
        raise opened.error()
    assert isinstance(opened, Opened)
    if (opened.alma, opened.version) != (__version__, VERSION):
        raise EvolveError(
            f"The node {opened.address} has alma-mcp {opened.alma} and here is {__version__}; install the same on all."
        )
    if opened.benchmark != benchmark:
        raise EvolveError(
            f"On the node {opened.address} the benchmark is {opened.benchmark} and here {benchmark}: bring its games,"
            " its images and the agent's model to the same version."
        )
    return opened


def _look_for(address: str) -> None:
    """Raises `EvolveError` where no cluster answers at an address; Ray itself would wait for one for ever."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise EvolveError(f"{address!r} is no address of a Ray cluster; give HOST:PORT, as `ray start --head` says it.")
    silent = EvolveError(
        f"No Ray cluster answers at {address}; start one with `ray start --head`, or see docs/scale.md."
    )
    asked = [sys.executable, "-m", "ray.scripts.scripts", "status", "--address", address]
    try:
        socket.create_connection((host, int(port)), ANSWERS_WITHIN).close()
        done = subprocess.run(asked, capture_output=True, timeout=ANSWERS_WITHIN, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise silent from error
    if done.returncode:
        raise silent


def _connect(address: str) -> None:
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError, exceptions.RayError) as error:
        raise EvolveError(
            f"This machine cannot work with the Ray cluster at {address} ({_sentence(error)}). It must be"
            f" one of its nodes: `ray start --address {address} --num-cpus 0`; see docs/scale.md."
        ) from error


def _sentence(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
