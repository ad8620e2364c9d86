"""Text to vectors: one protocol, and a file for each way to have it."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from alma_mcp.frames import clean

Vectors = NDArray[np.float32]

MAX_CHARACTERS = 4096


class Embedder(Protocol):
    """Turns texts into vectors. Loads by itself; `state` says for a person how far it is."""

    name: str

    @property
    def dimension(self) -> int:
        """Numbers in a vector; 0 until the model is loaded, which tells it."""

    @property
    def identity(self) -> str:
        """Name, dimension and revision: of two embedders with one identity a text gets one vector.

        Empty until the model is loaded.
        """

    @property
    def state(self) -> str: ...

    async def load(self) -> None:
        """Make ready now. Raises `Unavailable` with a sentence."""

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """float32 unit vectors, shape (len(texts), dimension). Raises `Unavailable`."""


def prepared(text: str) -> str:
    """What of a text is embedded: its beginning, without lone surrogates."""
    return clean(text[:MAX_CHARACTERS])
