"""A model behind any OpenAI-compatible endpoint. Its name may say an effort: `gpt-5-mini/low`."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from alma_mcp.chat import Chat, Fault, Reply, strict_format
from alma_mcp.errors import EvolveError
from evolve.endpoints.limiter import Limiter
from evolve.endpoints.patience import Patience, Patient
from evolve.endpoints.prices import Prices
from evolve.errors import ProposalFailed
from evolve.meta.brief import Answer
from evolve.writers.form import unwrapped, with_schema

CHARACTERS = 4
"""In a token, about."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How a model is asked: the most `tokens` and `seconds` an answer may take, thoughts included; what passing faults
    are given; `options` are further fields of the request.
    """

    tokens: int = 32_000
    seconds: float = 900.0
    patience: Patience = field(default_factory=Patience)
    options: Mapping[str, Any] = field(default_factory=dict)


class EndpointWriter:
    """Implements `Writer`. Writers of one endpoint may share a `limiter`."""

    def __init__(
        self,
        model: str,
        base_url: str,
        key: str,
        *,
        prices: Prices,
        terms: Terms | None = None,
        limiter: Limiter | None = None,
        chance: random.Random | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.who = model
        self._terms = terms or Terms()
        self.tokens = self._terms.tokens
        self._open = partial(Chat, model, base_url, key, timeout=self._terms.seconds)
        self._prices = prices
        self._limiter = limiter or Limiter()
        self._patient = Patient(self._terms.patience, chance=chance or random.Random(), sleep=sleep)
        self._clock = clock

    async def write(self, prompt: str, schema: Mapping[str, Any] | None) -> Answer:
        """The answer to a prompt; JSON of this schema where there is one. Raises `ProposalFailed`.

        `EvolveError` where the endpoint refuses this model or this key, or cannot be reached: that is no answer, and no
        fault of the candidate.

        An answer that was declined or cut off is one too, since it has its price: its text says so.
        """
        began = self._clock()
        options = {"max_completion_tokens": self.tokens, **self._terms.options}
        if schema is not None:
            options["response_format"] = strict_format(schema)
        async with self._open() as chat:
            reply = await self._patient.ask(partial(self._ask, chat, prompt, schema), options)
        match reply:
            case Fault(kind="refused" | "passing"):
                raise EvolveError(f"{reply.sentence} The same command goes on once that is mended.")
            case Fault():
                raise ProposalFailed(reply.sentence)
        text = _text(reply)
        return Answer(
            text=text if schema is None else unwrapped(text),
            who=self.who,
            tokens_in=reply.tokens_in,
            tokens_out=reply.tokens_out,
            dollars=self._prices.dollars(self.who, reply.tokens_in, reply.tokens_out),
            seconds=self._clock() - began,
        )

    async def _ask(
        self, chat: Chat, prompt: str, schema: Mapping[str, Any] | None, options: Mapping[str, Any]
    ) -> Reply | Fault:
        """One request, in its turn. A schema that the endpoint will not have as an option is said in the prompt."""
        told = prompt if schema is None or "response_format" in options else with_schema(prompt, schema)
        turn = await self._limiter.turn(len(told) // CHARACTERS + self.tokens)
        answer = await chat.ask([{"role": "user", "content": told}], options)
        if isinstance(answer, Reply):
            turn.tokens = answer.tokens_in + answer.tokens_out
        return answer


def _text(reply: Reply) -> str:
    match reply:
        case Reply(declined=declined) if declined:
            return f"(The model declined to answer: {declined})"
        case Reply(ended="content_filter"):
            return f"{reply.text}\n\n(The answer was withheld by the provider's filter.)".strip()
        case Reply(ended="length"):
            spent = f" after {reply.tokens_out} tokens" if reply.tokens_out else ""
            return f"{reply.text}\n\n(The answer was cut off here{spent}, being too long.)".strip()
    return reply.text
