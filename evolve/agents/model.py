"""A language model plays: one question, one action. Its own faults cost it a step, the network's cost no score."""

import asyncio
import dataclasses
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from alma_mcp.chat import Fault, Reply
from evolve.agents import Decision, Situation, parsing, prompting
from evolve.agents.parsing import read_action
from evolve.agents.prompting import PROMPTS, Window, write_prompt
from evolve.agents.version import version_of
from evolve.endpoints.patience import Patience, Patient
from evolve.errors import AgentLost

MADE_OF = (Path(__file__), Path(parsing.__file__), Path(prompting.__file__))


class Model(Protocol):
    """What answers; `alma_mcp.chat.Chat` is one."""

    async def ask(self, messages: Sequence[Mapping[str, str]], options: Mapping[str, Any]) -> Reply | Fault: ...


@dataclass(frozen=True, slots=True)
class Play:
    """How a model is asked. `options` are fields of the request beside seed, temperature and form."""

    window: Window = field(default_factory=Window)
    patience: Patience = field(default_factory=Patience)
    at_once: int = 4
    options: Mapping[str, Any] = field(default_factory=dict)


class ModelAgent:
    """Implements `Agent`. Asks no more than `at_once` questions at a time, for any number of episodes.

    The seed decides the order in which actions are offered.
    """

    deterministic = False

    def __init__(
        self,
        name: str,
        model: Model,
        play: Play,
        *,
        chance: random.Random,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.name = name
        self.version = version_of([*MADE_OF, *PROMPTS.glob("*.md")], f"{play.window} {sorted(play.options.items())}")
        self.at_once = play.at_once
        self.model = model
        self._play = play
        self._patient = Patient(play.patience, chance=chance, sleep=sleep)
        self._free = asyncio.Semaphore(play.at_once)

    @property
    def refused(self) -> frozenset[str]:
        """The options that the endpoint would not have; without them it goes on."""
        return self._patient.refused

    async def act(self, situation: Situation) -> Decision:
        """One action, or a problem in words for the model's next prompt. Raises `AgentLost`."""
        answer = await self._shown(situation)
        match answer:
            case Reply(declined=declined, ended=ended) if declined or ended == "content_filter":
                decision = _lost("The model declined to answer.")
            case Reply(ended="length"):
                decision = _lost("The answer was cut off, being too long.")
            case Reply():
                decision = read_action(answer.text, situation.actions)
            case Fault(kind="declined"):
                return _lost("The model's provider declined the question.")
            case Fault(kind="too long"):
                return _lost("The question was longer than the model can read.")
            case Fault():
                raise AgentLost(answer.sentence)
        return dataclasses.replace(decision, tokens_in=answer.tokens_in, tokens_out=answer.tokens_out)

    async def _shown(self, situation: Situation) -> Reply | Fault:
        """The answer to the whole window; to half of it, if that was too long."""
        window, seed = self._play.window, situation.seed & 0x7FFFFFFF
        prompt = write_prompt(situation, window)
        options = {"temperature": 0, "seed": seed, "response_format": prompt.form, **self._play.options}
        answer = await self._ask(prompt.messages, options)
        if isinstance(answer, Fault) and answer.kind == "too long" and prompt.turns:
            prompt = write_prompt(situation, dataclasses.replace(window, turns=prompt.turns // 2))
            answer = await self._ask(prompt.messages, options)
        return answer

    async def _ask(self, messages: Sequence[Mapping[str, str]], options: Mapping[str, Any]) -> Reply | Fault:
        async def asking(kept: Mapping[str, Any]) -> Reply | Fault:
            async with self._free:
                return await self.model.ask(messages, kept)

        return await self._patient.ask(asking, options)


def _lost(problem: str) -> Decision:
    return Decision("", problem=problem)
