"""One model behind an OpenAI-compatible endpoint: it gives a `Reply`, or a `Fault` that is sorted by its cure."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self
from urllib.parse import urlsplit

EFFORTS = frozenset({"none", "minimal", "low", "medium", "high", "xhigh"})
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
TOO_LONG = re.compile(r"context.{0,20}(length|size|window)|prompt is too long|too many (input )?tokens", re.IGNORECASE)
DECLINED = re.compile(r"content.{0,3}(filter|policy|management)|safety system", re.IGNORECASE)

FaultKind = Literal["passing", "too long", "declined", "request", "refused"]
"""Try again in a moment; shorten the prompt; the content is not wanted; another request may do; give up."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model said, why it ended (`stop`, `length`, `content_filter`), and what it cost in tokens.

    `declined` holds its words where it would not answer.
    """

    text: str
    ended: str = "stop"
    declined: str = ""
    tokens_in: int = 0
    tokens_out: int = 0


@dataclass(frozen=True, slots=True)
class Fault:
    """Why there is no reply. `options` are those of the request that the endpoint blames; `wait` is in seconds."""

    kind: FaultKind
    sentence: str
    options: frozenset[str] = frozenset()
    wait: float = 0.0


class Chat:
    """Asks once; whoever asks decides what to do about a fault. `model` may name an effort: `gpt-5-mini/low`.

    `timeout` is in seconds for the whole of an answer. Used as a context, which keeps its connections.
    """

    def __init__(self, model: str, base_url: str, key: str, *, timeout: float) -> None:
        name, _, effort = model.rpartition("/")
        self._model, self._effort = (name, effort) if name and effort in EFFORTS else (model, "")
        self._base_url = base_url
        self._key = key
        self._timeout = timeout

    async def __aenter__(self) -> Self:
        import openai  # noqa: PLC0415 - half a second that a server without a model need not pay

        direct = urlsplit(self._base_url).hostname in LOOPBACK  # a proxy cannot reach this machine's loopback
        self._client = openai.AsyncOpenAI(
            api_key=self._key or "none",
            base_url=self._base_url,
            timeout=self._timeout,
            max_retries=0,
            http_client=openai.DefaultAsyncHttpxClient(trust_env=False) if direct else None,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def ask(self, messages: Sequence[Mapping[str, str]], options: Mapping[str, Any]) -> Reply | Fault:
        """One request. `options` are fields of the endpoint's own, such as `seed` or `response_format`."""
        import openai  # noqa: PLC0415 - as above

        request = {"model": self._model, "messages": list(messages), **options}
        if self._effort:
            request["reasoning_effort"] = self._effort
        try:
            async with asyncio.timeout(self._timeout):
                return self._read(await self._client.chat.completions.create(**request))
        except TimeoutError:
            return Fault("passing", self._sentence(f"no answer within {self._timeout:g} seconds"))
        except openai.APIError as error:
            return self._fault(error, options)
        except ValueError:
            return Fault("passing", self._sentence("its answer is not JSON"))

    def _read(self, answer: Any) -> Reply | Fault:
        choices = getattr(answer, "choices", None)
        if choices is None:
            return Fault("passing", self._sentence("its answer is no chat completion"))
        usage = answer.usage
        tokens = (usage.prompt_tokens or 0, usage.completion_tokens or 0) if usage else (0, 0)
        if not choices or choices[0].message is None:
            return Reply("", "stop", "", *tokens)
        message = choices[0].message
        declined = getattr(message, "refusal", None) or ""
        return Reply(message.content or "", choices[0].finish_reason or "stop", declined, *tokens)

    def _fault(self, error: Any, options: Mapping[str, Any]) -> Fault:
        status = getattr(error, "status_code", None)
        said = f"{error} {error.code or ''} {error.type or ''} {error.param or ''}"
        blamed = frozenset(option for option in options if re.search(rf"\b{option}\b", said))
        return Fault(_kind(status, said), self._sentence(str(error)), blamed, _wait(error))

    def _sentence(self, reason: str) -> str:
        where = re.sub(r"//[^/@]*@", "//", self._base_url)
        hidden = reason.replace(self._key, "[key]") if self._key else reason
        return f"The model {self._model} at {where} failed: {hidden.rstrip('.')}."


def strict_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The `response_format` that holds a model to a JSON schema, as far as the endpoint can."""
    closed = schema.get("additionalProperties") is False  # what "strict" asks of a schema
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": closed, "schema": dict(schema)}}


def _kind(status: int | None, said: str) -> FaultKind:
    if status is None or status in (408, 409, 429) or status >= 500:
        return "passing"
    if status not in (400, 413, 422):
        return "refused"
    if status == 413 or TOO_LONG.search(said):
        return "too long"
    return "declined" if DECLINED.search(said) else "request"


def _wait(error: Any) -> float:
    response = getattr(error, "response", None)
    try:
        return max(0.0, float(response.headers.get("retry-after", 0))) if response is not None else 0.0
    except ValueError:
        return 0.0
