"""Any OpenAI-compatible embeddings endpoint. Texts leave the machine: only where the user chose it."""

import asyncio
from collections.abc import Sequence

import numpy as np

from alma_mcp.contract import Unavailable
from alma_mcp.embedders import Vectors
from alma_mcp.embedders.warm import Model, WarmEmbedder

OPENAI = "https://api.openai.com/v1"
BATCH = 128
TRIES = 3


class OpenAIEmbedder(WarmEmbedder):
    """A model at an endpoint. Tries three times, `pause` and twice `pause` seconds apart; `timeout` is for each try."""

    def __init__(self, model: str, base_url: str, key: str, *, timeout: float = 10.0, pause: float = 1.0) -> None:
        super().__init__(f"{model} at {base_url}", self._found)
        self._model_name = model
        self._base_url = base_url
        self._key = key
        self._timeout = timeout
        self._pause = pause

    async def _found(self) -> Model:
        (vector,) = await self._encode(["dimension"])
        return Model("", len(vector), self._encode, BATCH)

    async def _encode(self, texts: Sequence[str]) -> Vectors:
        import openai  # noqa: PLC0415 - half a second that a server without it need not pay

        client = openai.AsyncOpenAI(
            api_key=self._key or "none", base_url=self._base_url, timeout=self._timeout, max_retries=0
        )
        filled = [text if text.strip() else "-" for text in texts]  # endpoints refuse empty texts
        async with client:
            for attempt in range(1, TRIES + 1):
                try:
                    answer = await client.embeddings.create(
                        input=filled, model=self._model_name, encoding_format="float"
                    )
                    return _unit([each.embedding for each in sorted(answer.data, key=_index)], len(texts))
                except (openai.APIError, TypeError, ValueError) as error:
                    if attempt == TRIES or not _passing(error):
                        raise Unavailable(f"the embedder {self.name} failed: {_sentence(error)}") from error
                await asyncio.sleep(self._pause * attempt)
        raise AssertionError("the last try ends in an answer or an error")


def _unit(rows: Sequence[Sequence[float]], count: int) -> Vectors:
    vectors = np.array(rows, dtype=np.float32)
    if vectors.ndim != 2 or len(vectors) != count or not np.isfinite(vectors).all():
        raise ValueError(f"it gave {len(rows)} vectors for {count} texts, or not all of one length")
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(norms == 0, 1, norms)).astype(np.float32)


def _index(row: object) -> int:
    return int(getattr(row, "index", 0))


def _passing(error: Exception) -> bool:
    """Whether the same request may succeed in a moment: no answer, too many requests, their fault."""
    if isinstance(error, TypeError | ValueError):
        return False
    status = getattr(error, "status_code", None)
    return status is None or status in (408, 409, 429) or status >= 500


def _sentence(error: Exception) -> str:
    if getattr(error, "status_code", None) in (401, 403):
        return "it refused the key; set ALMA_MCP_API_KEY"
    return " ".join(str(error).split())[:200]
