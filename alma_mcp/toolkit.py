"""A design's model calls, answered by the host: metered, capped, recorded, replayable."""

import asyncio
import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from alma_mcp.chat import Chat, Fault, Reply, strict_format
from alma_mcp.contract import Unavailable
from alma_mcp.design_embedder import DesignEmbedder
from alma_mcp.embedders import Embedder
from alma_mcp.errors import ToolkitError
from alma_mcp.logs.recordings import Recordings
from alma_mcp.projections.generation import Generation
from alma_mcp.projections.taking_in import TakingIn
from alma_mcp.vector_cache import VectorCache

MAX_TEXTS = 4096
MAX_PROMPT = 200_000


@dataclass(frozen=True, slots=True)
class Completion:
    """A model's answer and what it cost, in tokens."""

    text: str
    tokens_in: int = 0
    tokens_out: int = 0


class Completer(Protocol):
    """A language model."""

    async def complete(self, prompt: str, schema: Mapping[str, Any] | None) -> Completion:
        """The answer to a prompt; JSON where a JSON schema is given. Raises `ToolkitError`."""


@dataclass(slots=True)
class Spent:
    """What one memory has had answered since its toolkit was made; replayed answers cost nothing.

    `unanswered` counts completions that were asked for where no model is configured.
    """

    texts_embedded: int = 0
    calls: int = 0
    replayed: int = 0
    unanswered: int = 0
    tokens_in: int = 0
    tokens_out: int = 0


class HostToolkit:
    """Answers what one design asks for in one scope. Implements `hosts.Asks`.

    `calls` caps the completions of this memory over its whole life. `vectors` keeps what was embedded
    while taking in; vectors that are not of the embedder of `generation` are not given.
    """

    def __init__(
        self,
        design_id: str,
        embedder: Embedder | None,
        completer: Completer | None,
        recordings: Recordings,
        *,
        scope: str = "",
        calls: int = 1000,
        vectors: VectorCache | None = None,
        generation: Generation | None = None,
    ) -> None:
        self.spent = Spent()
        self._design = design_id
        self._embedder = DesignEmbedder(embedder, scope, vectors, generation)
        self._completer = completer
        self._recordings = recordings
        self._scope = scope
        self._calls = calls
        self._in_flight = 0

    async def answer(self, ask: str, params: Mapping[str, Any]) -> Any:
        """Answer `embed` or `complete`. Raises `Unavailable`, or `ToolkitError` where a model failed."""
        match ask:
            case "embed":
                return await self._embed(params)
            case "complete":
                return await self._complete(params)
            case _:
                raise Unavailable(f"the toolkit cannot {ask!r}")

    def foresee(self, text: str) -> None:
        """Begin to embed a query before the design asks for it, where it embeds what it takes in."""
        self._embedder.foresee(text)

    async def _embed(self, params: Mapping[str, Any]) -> list[str]:
        texts = _texts(params.get("texts"))
        taking_in = params.get("taking_in")
        vectors = await self._embedder.embed(texts, taking_in if isinstance(taking_in, TakingIn) else None)
        self.spent.texts_embedded += len(texts)
        return [base64.b64encode(vector.astype("<f4").tobytes()).decode() for vector in vectors]

    async def _complete(self, params: Mapping[str, Any]) -> str:
        prompt, schema = _prompt(params.get("prompt")), _schema(params.get("schema"))
        place = [params.get("position"), params.get("call")]
        key = hashlib.sha256(json.dumps([self._design, self._scope, *place, prompt, schema]).encode()).digest()
        recorded = await self._recordings.get(key)
        if recorded is not None:
            self.spent.replayed += 1
            return recorded
        self._in_flight += 1
        try:
            return await self._fresh(key, prompt, schema)
        finally:
            self._in_flight -= 1

    async def _fresh(self, key: bytes, prompt: str, schema: Mapping[str, Any] | None) -> str:
        if self._completer is None:
            self.spent.unanswered += 1
            raise Unavailable("no model is configured for completions")
        if await self._recordings.count(self._design, self._scope) + self._in_flight > self._calls:
            raise Unavailable(f"this memory has spent its {self._calls} model calls")
        completion = await self._completer.complete(prompt, schema)
        await self._recordings.put(key, self._design, self._scope, completion.text)
        self.spent.calls += 1
        self.spent.tokens_in += completion.tokens_in
        self.spent.tokens_out += completion.tokens_out
        return completion.text


class OpenAICompleter:
    """Any OpenAI-compatible endpoint. `model` may name an effort: `gpt-5-mini/low`.

    Tries twice, `pause` seconds apart; `timeout` is in seconds for each try.
    """

    def __init__(self, model: str, base_url: str, key: str, *, timeout: float = 60.0, pause: float = 1.0) -> None:
        self._open = partial(Chat, model, base_url, key, timeout=timeout)
        self._pause = pause

    async def complete(self, prompt: str, schema: Mapping[str, Any] | None) -> Completion:
        async with self._open() as chat:
            return await ChatCompleter(chat, self._pause).complete(prompt, schema)


class Asked(Protocol):
    """What a `ChatCompleter` asks; `chat.Chat` is one."""

    async def ask(self, messages: Sequence[Mapping[str, str]], options: Mapping[str, Any]) -> Reply | Fault: ...


class ChatCompleter:
    """A chat that is open already; tries twice, `pause` seconds apart."""

    def __init__(self, chat: Asked, pause: float = 1.0) -> None:
        self._chat = chat
        self._pause = pause

    async def complete(self, prompt: str, schema: Mapping[str, Any] | None) -> Completion:
        messages = [{"role": "user", "content": prompt}]
        options = {} if schema is None else {"response_format": strict_format(schema)}
        answer = await self._chat.ask(messages, options)
        if isinstance(answer, Fault) and answer.kind == "passing":
            await asyncio.sleep(self._pause)
            answer = await self._chat.ask(messages, options)
        if isinstance(answer, Fault):
            raise ToolkitError(answer.sentence)
        if not answer.text:
            raise ToolkitError("The model gave an empty answer.")
        return Completion(answer.text, answer.tokens_in, answer.tokens_out)


def _texts(value: Any) -> list[str]:
    if isinstance(value, list) and 0 < len(value) <= MAX_TEXTS and all(isinstance(each, str) for each in value):
        return value
    raise Unavailable(f"embed wants 1 to {MAX_TEXTS} texts")


def _prompt(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_PROMPT:
        raise Unavailable(f"complete wants a prompt of 1 to {MAX_PROMPT} characters")
    return value


def _schema(value: Any) -> Mapping[str, Any] | None:
    if value is not None and not isinstance(value, dict):
        raise Unavailable("the schema of complete must be a JSON schema")
    return value
