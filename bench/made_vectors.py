"""Random unit vectors, kept as if the bundled model had made them: a million real ones would take hours.

They stand in where everything but the model is measured; questions are still embedded by the model itself.
"""

import asyncio
from collections.abc import Sequence

import numpy as np

from alma_mcp.embedders import prepared
from alma_mcp.embedders.onnx import OnnxEmbedder
from alma_mcp.home import Home
from alma_mcp.projections.taking_in import TakingIn
from alma_mcp.vector_cache import VectorCache, cache_key

DIMENSION = 384
AT_ONCE = 10_000


def keep_made_vectors(home: Home, scope: str, texts: Sequence[str]) -> None:
    """Put a random vector for each text, always the same, into the home's cache of vectors."""
    asyncio.run(_keep(home, scope, texts))


async def _keep(home: Home, scope: str, texts: Sequence[str]) -> None:
    embedder = OnnxEmbedder()
    await embedder.load()
    cache = await VectorCache.open(home.embeddings, most=1 << 40)
    chance = np.random.default_rng(0)
    try:
        for start in range(0, len(texts), AT_ONCE):
            some = texts[start : start + AT_ONCE]
            vectors = chance.standard_normal((len(some), DIMENSION), dtype=np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            keys = [cache_key(embedder.identity, prepared(text)) for text in some]
            await cache.put(dict(zip(keys, vectors, strict=True)), scope, TakingIn(len(texts), len(texts)))
    finally:
        await cache.close()
