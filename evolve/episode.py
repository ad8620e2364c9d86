"""An episode: one agent plays one game, once, with what memory gave it."""

import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from alma_mcp.contract import Experience, Query, Retrieval, Step
from alma_mcp.token_budget import fitting
from evolve.agents import Agent, Situation, Turn
from evolve.environments import Domain, Environment, State

STEP_LIMITS: Mapping[Domain, int] = {"alfworld": 30, "textworld": 80, "babaisai": 20, "minihack": 100}
"""As in the ALMA paper (arXiv 2602.07755)."""
ITEMS = 5
NO_ACTION = "(no action)"

Recall = Callable[[Query], Awaitable[Retrieval]]


@dataclass(frozen=True, slots=True)
class Game:
    """One thing to play: a file of the mounted games, or a level's id; `kind` is its family of tasks."""

    domain: Domain
    name: str
    seed: int
    kind: str

    @property
    def id(self) -> str:
        """A name that tells nothing."""
        return hashlib.sha256(f"{self.domain}/{self.name}/{self.seed}".encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class EpisodeStep:
    """What was done, what was seen after it; `problem` where the agent's answer was no action."""

    action: str
    observation: str
    score: float
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Episode:
    """What happened. Tokens are the agent's; `seconds` is wall time; `retrieved` are the texts that memory gave."""

    game: Game
    agent: str
    seed: int
    goal: str
    first: str
    retrieved: tuple[str, ...]
    steps: tuple[EpisodeStep, ...]
    score: float
    won: bool
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        steps = tuple(EpisodeStep(**step) for step in data["steps"])
        return cls(**{**data, "game": Game(**data["game"]), "retrieved": tuple(data["retrieved"]), "steps": steps})

    def experience(self, number: int, hours: float) -> Experience:
        """This episode as something to remember, the `number`-th of its memory, `hours` after the epoch."""
        steps = [Step("environment", self.first)]
        for step in self.steps:
            steps += [Step("agent", step.action), Step("environment", step.observation)]
        taken = len(self.steps)
        told = f"won in {taken} steps" if self.won else f"not won in {taken} steps, score {self.score:.2f}"
        return Experience(
            id=hashlib.sha256(f"{self.game.id}/{self.seed}/{number}".encode()).hexdigest()[:16],
            kind="episode",
            task=self.goal,
            steps=tuple(steps),
            outcome=told,
            reward=self.score,
            agent=self.agent,
            source=self.game.domain,
            trust=1.0,
            time=hours * 3600,
        )


async def play(
    game: Game,
    environment: Environment,
    agent: Agent,
    recall: Recall,
    seed: int,
    *,
    tokens: int,
    each_step: bool = False,
    clock: Callable[[], float] = time.perf_counter,
) -> Episode:
    """Play one game to its end or to the step limit of its domain.

    Memory is asked once, before the first step, or with `each_step` again before every one, with what is seen
    then; the agent is shown as much of its answer as fits into `tokens`. Raises `EnvironmentLost`, `AgentLost`, and
    whatever `recall` raises.
    """
    started = clock()
    state = await environment.reset(game.domain, game.name, game.seed)
    goal, first = state.goal, state.observation
    memory = retrieved = _texts(await recall(query_of(goal, first)), tokens)
    steps: list[EpisodeStep] = []
    tokens_in = tokens_out = 0
    while not state.done and len(steps) < STEP_LIMITS[game.domain]:
        if each_step and steps:
            memory = _texts(await recall(query_of(goal, state.observation)), tokens)
        decision = await agent.act(_situation(game.domain, state, first, memory, steps, seed))
        tokens_in, tokens_out = tokens_in + decision.tokens_in, tokens_out + decision.tokens_out
        if decision.problem:
            told = f"Nothing happens: {decision.problem}"
            steps.append(EpisodeStep(decision.action or NO_ACTION, told, state.score, decision.problem))
            continue
        state = await environment.step(decision.action)
        steps.append(EpisodeStep(decision.action, state.observation, state.score))
    return Episode(
        game=game,
        agent=agent.name,
        seed=seed,
        goal=goal,
        first=first,
        retrieved=retrieved,
        steps=tuple(steps),
        score=state.score,
        won=state.won,
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        seconds=clock() - started,
    )


def _situation(
    domain: Domain, state: State, first: str, memory: tuple[str, ...], steps: Sequence[EpisodeStep], seed: int
) -> Situation:
    return Situation(
        domain=domain,
        goal=state.goal,
        first=first,
        observation=state.observation,
        actions=state.actions,
        memory=memory,
        history=tuple(Turn(step.action, step.observation) for step in steps),
        seed=seed,
    )


def query_of(goal: str, observation: str) -> Query:
    """What memory is asked: the goal and what is seen."""
    return Query(f"{goal}\n\n{observation}", limit=ITEMS)


def _texts(retrieval: Retrieval, tokens: int) -> tuple[str, ...]:
    return tuple(fitting([item.text for item in retrieval.items], tokens))
