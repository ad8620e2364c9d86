"""The host's side of an environment: one request at a time, a deadline each, and no trust in what comes back."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from alma_mcp.errors import EvolveError
from evolve.environments import Domain, State
from evolve.errors import EnvironmentLost

LONGEST_LINE = 1 << 20


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds that an environment has to come up, to begin an episode, to take a step."""

    ready: float = 60.0
    reset: float = 60.0
    step: float = 30.0


class EnvironmentLink:
    """An environment as its host sees it; implements `Environment`.

    `end` ends its process for certain; `last_words` gives what it wrote on standard error. After a fault
    every further call fails: another environment has to be taken.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        write: Callable[[bytes], None],
        end: Callable[[], Awaitable[None]],
        last_words: Callable[[], str],
        deadlines: Deadlines | None = None,
    ) -> None:
        self.sources: Mapping[str, str] = {}
        self._reader = reader
        self._write = write
        self._end = end
        self._last_words = last_words
        self._deadlines = deadlines or Deadlines()
        self._issued = 0
        self._over = ""

    @property
    def alive(self) -> bool:
        return not self._over

    async def ready(self) -> None:
        """Wait until the environment speaks. Raises `EnvironmentLost`."""
        first = await self._answer(self._deadlines.ready, "coming up")
        try:
            self.sources = dict(first["ready"]["source"])
        except (KeyError, TypeError, ValueError):
            raise await self._lost("did not say that it is ready") from None

    async def reset(self, domain: Domain, game: str, seed: int) -> State:
        """See `Environment.reset`. Raises `EvolveError` for a game that is not there."""
        request = {"do": "reset", "domain": domain, "game": game, "seed": seed}
        return await self._asked(request, self._deadlines.reset, f"beginning {game}")

    async def step(self, action: str) -> State:
        """See `Environment.step`."""
        return await self._asked({"do": "step", "action": action}, self._deadlines.step, f"the step {action!r}")

    async def close(self) -> None:
        """End the environment and wait until it is gone."""
        self._over = self._over or "was closed"
        await self._end()

    async def _asked(self, request: dict[str, Any], seconds: float, what: str) -> State:
        if self._over:
            raise EnvironmentLost(f"The environment {self._over}.")
        self._issued += 1
        try:
            self._write(json.dumps({"id": self._issued, **request}).encode() + b"\n")
        except OSError:
            raise await self._lost("went away") from None
        answer = await self._answer(seconds, what)
        if answer.get("id") != self._issued:
            raise await self._lost("answered a request that was not made")
        match answer:
            case {"error": {"kind": "request", "message": str(message)}}:
                raise EvolveError(message)
            case {"error": {"message": str(message)}}:
                raise await self._lost(f"failed at {what}: {message}")
        try:
            return _state(answer["state"])
        except (KeyError, TypeError, ValueError) as error:
            raise await self._lost(f"sent a state that is none ({error})") from None

    async def _answer(self, seconds: float, what: str) -> dict[str, Any]:
        try:
            line = await asyncio.wait_for(self._reader.readline(), seconds)
        except TimeoutError:
            raise await self._lost(f"took more than {seconds:g} s for {what}") from None
        except ValueError:
            raise await self._lost(f"sent more than {LONGEST_LINE:,} bytes in one line") from None
        except OSError:
            raise await self._lost("went away") from None
        except asyncio.CancelledError:
            self._over = self._over or "was left in the middle of an answer"
            raise
        if not line:
            raise await self._lost("went away")
        try:
            return _object(json.loads(line))
        except (ValueError, TypeError, RecursionError):
            raise await self._lost("sent a line that is no JSON object") from None

    async def _lost(self, why: str) -> EnvironmentLost:
        words = self._last_words().strip()
        self._over = why + (f"; it said: {words.splitlines()[-1][:300]}" if words else "")
        await self._end()
        return EnvironmentLost(f"The environment {self._over}.")


def _state(value: Any) -> State:
    """The state of an answer; raises for anything that is none."""
    state = State(
        goal=_text(value["goal"]),
        observation=_text(value["observation"]),
        actions=tuple(_text(action) for action in value["actions"]),
        score=float(value["score"]),
        won=bool(value["won"]),
        done=bool(value["done"]),
    )
    if not 0.0 <= state.score <= 1.0:
        raise ValueError(f"a score of {state.score}")
    return state


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} where an object is due")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} where a text is due")
    return value
