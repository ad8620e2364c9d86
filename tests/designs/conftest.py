"""Seed designs in real projections: a real log, a real worker in this process, an embedder that can be switched off."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from alma_mcp.contract import Experience, Query, Retrieval, Unavailable, words
from alma_mcp.design_store import bundled_designs
from alma_mcp.hosts.inprocess import InProcessHost
from alma_mcp.logs.experience_log import ExperienceLog
from alma_mcp.logs.recordings import Recordings
from alma_mcp.projections.projection import Limits, Projection
from alma_mcp.toolkit import Completer, HostToolkit


class WordEmbedder:
    """Two texts are the nearer, the more words they share."""

    name = "words"
    dimension = 64
    state = "ready"

    def __init__(self) -> None:
        self.up = True

    async def load(self) -> None:
        pass

    async def embed(self, texts: Sequence[str]):
        if not self.up:
            raise Unavailable("the embedder is switched off")
        return np.stack([self._vector(text) for text in texts])

    def _vector(self, text: str):
        vector = np.full(self.dimension, 1e-3, dtype=np.float32)
        for word in words(text):
            vector[hashlib.sha256(word.encode()).digest()[0] % self.dimension] += 1
        return vector / np.linalg.norm(vector)


@dataclass
class Remembering:
    """One design over one log, with a second projection to replay into."""

    name: str
    log: ExperienceLog
    recordings: Recordings
    folder: Path
    completer: Completer | None = None
    embedder: WordEmbedder = field(default_factory=WordEmbedder)
    projections: list[Projection] = field(default_factory=list)

    def projection(self, batch: int = 64) -> Projection:
        design = bundled_designs()[self.name]
        asks = HostToolkit(design.id, self.embedder, self.completer, self.recordings, scope="s")
        folder = self.folder / str(len(self.projections))
        made = Projection(design, "s", self.log, InProcessHost(), asks, folder, Limits(batch=batch))
        self.projections.append(made)
        return made

    async def add(self, *experiences: Experience) -> None:
        for each in experiences:
            await self.log.append("s", "experience", each.to_json(), each.time)
        await self.projections[0].follow()

    async def tell(self, kind, body) -> None:
        await self.log.append("s", kind, body, 0.0)
        await self.projections[0].follow()

    async def ask(self, text: str, limit: int = 10) -> Retrieval:
        return await self.projections[0].retrieve(Query(text, limit=limit))

    async def found(self, text: str) -> list[str]:
        return [item.experiences[0] for item in (await self.ask(text)).items]


@pytest.fixture
async def remembering(tmp_path):
    """Makes a `Remembering` for a design's name; without `completer` its design has no model."""
    log = await ExperienceLog.open(tmp_path / "experiences.db")
    recordings = await Recordings.open(tmp_path / "recordings.db")
    made: list[Remembering] = []

    def make(name: str, completer: Completer | None = None) -> Remembering:
        made.append(Remembering(name, log, recordings, tmp_path / name, completer))
        made[-1].projection()
        return made[-1]

    yield make
    for each in made:
        for projection in each.projections:
            await projection.close()
    await recordings.close()
    await log.close()
