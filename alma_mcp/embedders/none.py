"""No embedder: chosen, or what is left of one that was."""

from collections.abc import Sequence

import numpy as np

from alma_mcp.contract import Unavailable
from alma_mcp.embedders import Vectors


class NoEmbedder:
    """Implements `Embedder` by saying why there are no vectors."""

    dimension = 0

    def __init__(self, reason: str = "no embedder is configured") -> None:
        self.name = "none"
        self.identity = ""
        self.state = "none; memory works by words" if reason == "no embedder is configured" else f"none: {reason}"
        self._reason = reason

    async def load(self) -> None:
        self.identity = self.name

    async def embed(self, texts: Sequence[str]) -> Vectors:
        await self.load()
        if texts:
            raise Unavailable(self._reason)
        return np.empty((0, 0), np.float32)
