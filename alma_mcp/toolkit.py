"""A design's model calls, answered by the host: metered, capped, recorded, replayable."""

import asyncio
import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from alma_mcp.contract import Unavailable
from alma_mcp.design_embedder import DesignEmbedder
from alma_mcp.embedders import Embedder
from alma_mcp.errors import ToolkitError
from alma_mcp.generation import Generation
from alma_mcp.recordings import Recordings
from alma_mcp.taking_in import TakingIn
from alma_mcp.vector_cache import VectorCache

MAX_TEXTS = 4096
MAX_PROMPT = 200_000
EFFORTS = frozenset({"none", "minimal", "low", "medium", "high", "xhigh"})


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
    """What one memory has had answered since its toolkit was made; replayed answers cost nothing."""

    texts_embedded: int = 0
    calls: int = 0
    replayed: int = 0
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
        name, _, effort = model.rpartition("/")
        self._model, self._effort = (name, effort) if name and effort in EFFORTS else (model, "")
        self._base_url = base_url
        self._key = key
        self._timeout = timeout
        self._pause = pause

    async def complete(self, prompt: str, schema: Mapping[str, Any] | None) -> Completion:
        import openai  # noqa: PLC0415 - half a second that a server without a model need not pay

        client = openai.AsyncOpenAI(
            api_key=self._key or "none", base_url=self._base_url, timeout=self._timeout, max_retries=0
        )
        async with client:
            for last in (False, True):
                try:
                    return _completion(await client.chat.completions.create(**self._request(prompt, schema)))
                except openai.APIError as error:
                    if last or not _passing(error):
                        raise ToolkitError(f"The model {self._model} at {self._base_url} failed: {error}.") from error
                await asyncio.sleep(self._pause)
        raise AssertionError("two tries end in an answer or an error")

    def _request(self, prompt: str, schema: Mapping[str, Any] | None) -> dict[str, Any]:
        request: dict[str, Any] = {"model": self._model, "messages": [{"role": "user", "content": prompt}]}
        if self._effort:
            request["reasoning_effort"] = self._effort
        if schema is not None:
            closed = schema.get("additionalProperties") is False  # what "strict" asks of a schema
            named = {"name": "answer", "strict": closed, "schema": dict(schema)}
            request["response_format"] = {"type": "json_schema", "json_schema": named}
        return request


def _passing(error: Exception) -> bool:
    """Whether the same request may succeed in a moment: no answer, too many requests, their fault."""
    status = getattr(error, "status_code", None)
    return status is None or status in (408, 409, 429) or status >= 500


def _completion(answer: Any) -> Completion:
    text = answer.choices[0].message.content if answer.choices else None
    if not text:
        raise ToolkitError("The model gave an empty answer.")
    usage = answer.usage
    return Completion(text, usage.prompt_tokens if usage else 0, usage.completion_tokens if usage else 0)


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
