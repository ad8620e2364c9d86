"""`utils.hire_agent.Embedding`: vectors, given by the toolkit."""

import asyncio
import concurrent.futures
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from alma_mcp.contract import Toolkit, Unavailable

TEXTS_AT_ONCE = 1024


class Embedding:
    """Embeds with the host's embedder. `model`, `retries` and `retry_delay` are the host's, and are passed over."""

    bridge: ClassVar[Any]

    def __init__(self, model: str = "text-embedding-3-small", retries: int = 3, retry_delay: float = 1.0) -> None:
        self.model = model
        self.retries = retries
        self.retry_delay = retry_delay

    def __call__(self, texts: Sequence[str]) -> list[list[float]]:
        """The vectors of texts, waited for in this thread."""
        return _listed(self._asked(texts).result()) if texts else []

    def embed_documents(self, texts: Sequence[str]) -> list[list[float]]:
        return self(texts)

    def embed_query(self, text: str) -> list[float]:
        return self([text])[0]

    async def get_embedding(self, text: str) -> list[float]:
        """A unit vector. Raises `RuntimeError` where nothing embeds, as upstream does after its last try."""
        return (await self.get_batch_embeddings([text]))[0]

    async def get_batch_embeddings(self, texts: Sequence[str]) -> list[list[float]]:
        """A unit vector of each text. Raises `RuntimeError`."""
        return _listed(await asyncio.wrap_future(self._asked(texts)))

    @staticmethod
    async def compute_similarity(emb1: Sequence[float], emb2: Sequence[float], metric: str = "cosine") -> float:
        """The cosine of two vectors, the only `metric` there is."""
        if metric != "cosine":
            raise ValueError(f"Unsupported similarity metric: {metric}")
        one, other = np.asarray(emb1, dtype=float), np.asarray(emb2, dtype=float)
        return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))

    @staticmethod
    async def compute_one_to_group_similarity(
        emb: Sequence[float], group_emb: Sequence[Sequence[float]], metric: str = "cosine"
    ) -> list[float]:
        """The cosine of one vector with each of a group."""
        return [await Embedding.compute_similarity(emb, other, metric) for other in group_emb]

    def _asked(self, texts: Sequence[str]) -> "concurrent.futures.Future[Any]":
        asked: concurrent.futures.Future[Any] = self.bridge.ask(lambda toolkit: _embedded(toolkit, list(texts)))
        return asked


async def _embedded(toolkit: Toolkit, texts: list[str]) -> Any:
    try:
        parts = [
            await toolkit.embed(texts[start : start + TEXTS_AT_ONCE])
            for start in range(0, len(texts) or 1, TEXTS_AT_ONCE)
        ]
    except (Unavailable, ValueError) as error:
        raise RuntimeError(f"Failed to get embedding, with error: {error}") from error
    return np.concatenate(parts)


def _listed(vectors: Any) -> list[list[float]]:
    return [[float(number) for number in vector] for vector in vectors]
