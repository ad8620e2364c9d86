"""ALMA's sequential decision domains as a benchmark: an agent plays games with what the memory returns.

Collection episodes are played without memory, once for each agent, and shared by every design, as are the plays
without memory that a design is compared with: all comparisons are paired. Static (`batched`): one memory, frozen,
for all deployment tasks. Dynamic (`sequential`): the memory takes in each task as it was played.
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from alma_mcp.contract import Query, Retrieval
from alma_mcp.errors import DataMissing
from alma_mcp.toolkit import Completer
from evolve.agents import Agent
from evolve.benchmarks import Control, Played, Recall, Scope, Split, Task
from evolve.benchmarks.courses import Course, Status
from evolve.benchmarks.splits import split_of
from evolve.environments import Domain
from evolve.environments.pool import Pool, retried
from evolve.episode import STEP_LIMITS, Episode, Game, play, query_of
from evolve.episodes import Episodes
from evolve.playing import all_of

Rollout = Literal["batched", "sequential"]
PASSES = 3
CONTROLS: tuple[Control, ...] = ("no_memory", "empty", "shuffled")
CAPS: Mapping[Domain, Sequence[int]] = {
    "alfworld": (10, 15),
    "textworld": (20, 40),
    "babaisai": (10,),
    "minihack": (50,),
}


@dataclass(frozen=True, slots=True)
class Protocol:
    """How the games of a domain are played. `tasks` bounds the deployment, for a quick look."""

    domain: Domain
    status: Status = "train"
    rollout: Rollout = "batched"
    passes: int = PASSES
    memory_tokens: int = 8000
    each_step: bool = False
    collect_at_once: int = 10
    deploy_at_once: int = 10
    tasks: int | None = None


class Episodic:
    """One domain, one agent, one protocol. `image` is the version of the environments, `rules` whose they are.

    The name ends in a hash of all that a score depends on but the design: two scores under one name are comparable.
    `completer` answers what designs ask of a model.
    """

    primary = "score"

    def __init__(
        self,
        protocol: Protocol,
        course: Course,
        agent: Agent,
        pool: Pool,
        episodes: Episodes,
        image: str,
        rules: str,
        completer: Completer | None = None,
    ) -> None:
        played_by = f"{agent.version} {image} {rules}"
        told = f"{protocol.domain}/{agent.name}/{protocol.status}/{protocol.rollout}"
        self.name = f"{told}/{_digest(f'{played_by} {protocol} {course}')}"
        self.rules = rules
        self.completer = completer
        self._protocol = protocol
        self._course = course
        self._agent = agent
        self._pool = pool
        self._episodes = episodes
        self._without = f"{protocol.domain}-{agent.name}-without-memory-{_digest(played_by)}"
        self._locks: dict[tuple[Game, int], asyncio.Lock] = {}
        self._collected: list[Episode] = []
        self._queries: dict[Game, Query] = {}
        self._recorded = {(each.game, each.seed): each for each in episodes.read(self._without)}

    async def prepare(self, split: Split, progress: Callable[[int, int], None] | None) -> None:
        """Collect, and see what each task begins with; what was played before is not played again."""
        games, deployed = self._course.collection, self._deployment(split)
        done = 0

        def one_more() -> None:
            nonlocal done
            done += 1
            if progress:
                progress(done, len(games) + len(deployed))

        async def collect(game: Game) -> Episode:
            async with collecting:
                episode = await self._play_bare(game, 0)
            one_more()
            return episode

        async def look(game: Game) -> None:
            async with collecting:
                self._queries[game] = await self._seen_first(game)
            one_more()

        collecting = asyncio.Semaphore(self._protocol.collect_at_once)
        self._collected = await all_of([collect(game) for game in games])
        await all_of([look(game) for game in deployed])

    def scopes(self, split: Split) -> Sequence[Scope]:
        """One memory, or one a pass where it learns from what it plays."""
        deployed = self._deployment(split)
        remembered = [episode.experience(number, number) for number, episode in enumerate(self._collected)]
        passes = [[self._task(game, seed) for game in deployed] for seed in range(self._passes)]
        facts = {"games": {game.id: game for game in deployed}, "remembered": len(remembered)}
        name = self._protocol.domain
        if self._protocol.rollout == "sequential":
            return [
                Scope(f"{name}-{seed}", [*remembered, *tasks], facts, learning=True, controls=CONTROLS)
                for seed, tasks in enumerate(passes)
            ]
        tasks = [task for each in passes for task in each]
        at_once = self._protocol.deploy_at_once
        return [Scope(name, [*remembered, *tasks], facts, at_once=at_once, controls=CONTROLS)]

    def planned(self, split: Split) -> tuple[int, int]:
        """How many episodes there are to collect, and how many to deploy. Raises `DataMissing`."""
        return len(self._course.collection), len(self._deployment(split)) * self._passes

    async def play(self, scope: Scope, task: Task, recall: Recall) -> Played:
        """One episode. Where the memory has nothing to say it is the one without memory."""
        game = scope.facts["games"][task.id]
        retrieval = await recall(task.query)
        if not retrieval.items and not self._protocol.each_step:
            episode, trace = await self._play_bare(game, task.seed), ""
        else:
            episode = await self._play(game, task.seed, _first_then(task, retrieval, recall))
            trace = self._episodes.keep(self.name, episode)
        number = scope.facts["remembered"] + list(scope.facts["games"]).index(task.id)
        experience = episode.experience(number, number) if scope.learning else None
        return Played(self._metrics(episode), experience, trace)

    @property
    def _passes(self) -> int:
        return 1 if self._agent.deterministic else self._protocol.passes

    def _deployment(self, split: Split) -> list[Game]:
        games = [game for game in self._course.deployment if split in ("all", split_of(game.id))]
        if not games or not self._course.collection:
            raise DataMissing(
                f"{self._protocol.domain} has {len(self._course.collection)} games to collect and {len(games)} to"
                f" deploy in the {split} split of {self._protocol.status}; name more games with `--data PATH`."
            )
        return games[: self._protocol.tasks]

    def _task(self, game: Game, seed: int) -> Task:
        return Task(game.id, self._queries[game], frozenset(), game.id, game.kind, seed)

    def notes(self) -> list[str]:
        """What a reader of a score must know: whose rules were played, and what the agent's endpoint would not do."""
        refused = sorted(getattr(self._agent, "refused", ()))
        return [f"Rules and levels: {self.rules}."] + (
            [f"The endpoint refused {', '.join(refused)}: plays may not repeat."] if refused else []
        )

    def _metrics(self, episode: Episode) -> dict[str, float]:
        domain, taken = self._protocol.domain, len(episode.steps)
        metrics = {"score": episode.score, "won": float(episode.won)}
        metrics |= {f"won@{cap}": float(episode.won and taken <= cap) for cap in CAPS[domain]}
        return metrics | {
            "steps": float(taken if episode.won else STEP_LIMITS[domain]),
            "agent_tokens_in": float(episode.tokens_in),
            "agent_tokens_out": float(episode.tokens_out),
            "agent_seconds": episode.seconds,
            f"score {episode.game.kind}": episode.score,
        }

    async def _play_bare(self, game: Game, seed: int) -> Episode:
        """The episode without memory; played once, whoever asks, and kept."""
        key = game, 0 if self._agent.deterministic else seed
        async with self._locks.setdefault(key, asyncio.Lock()):
            if key not in self._recorded:
                episode = await self._play(*key, _nothing)
                self._episodes.keep(self._without, episode)
                self._recorded[key] = episode
        return self._recorded[key]

    async def _play(self, game: Game, seed: int, recall: Recall) -> Episode:
        async def attempt() -> Episode:
            async with self._pool.lend() as environment:
                tokens, each_step = self._protocol.memory_tokens, self._protocol.each_step
                return await play(game, environment, self._agent, recall, seed, tokens=tokens, each_step=each_step)

        return await retried(attempt)

    async def _seen_first(self, game: Game) -> Query:
        async def attempt() -> Query:
            async with self._pool.lend() as environment:
                state = await environment.reset(game.domain, game.name, game.seed)
                return query_of(state.goal, state.observation)

        recorded = self._recorded.get((game, 0))
        return query_of(recorded.goal, recorded.first) if recorded else await retried(attempt)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


async def _nothing(_: Query) -> Retrieval:
    return Retrieval()


def _first_then(task: Task, retrieval: Retrieval, recall: Recall) -> Recall:
    """The retrieval that is there already for what the task begins with, then whatever memory says."""

    async def given(query: Query) -> Retrieval:
        return retrieval if query == task.query else await recall(query)

    return given
