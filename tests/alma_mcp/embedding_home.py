"""A home in small, in this process: real log, cache, generations, serving and workers; made embedders."""

import contextlib
import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from alma_mcp.access import Principal
from alma_mcp.ballast import Ballast
from alma_mcp.contract import Query, Unavailable, words
from alma_mcp.design_store import Design
from alma_mcp.embedders.none import NoEmbedder
from alma_mcp.embedders.warm import Model, WarmEmbedder
from alma_mcp.hosts.inprocess import InProcessHost
from alma_mcp.logs.experience_log import ExperienceLog
from alma_mcp.logs.question_log import QuestionLog
from alma_mcp.logs.recordings import Recordings
from alma_mcp.projections.generations import Generations
from alma_mcp.projections.projection import Limits
from alma_mcp.projections.projections import Projections
from alma_mcp.redaction import Redactor
from alma_mcp.service import Draft, MemoryService
from alma_mcp.serving.serving import Serving
from alma_mcp.toolkit import HostToolkit
from alma_mcp.vector_cache import VectorCache

WHO = Principal("session", "project:/a")
SEEKER = Design((Path(__file__).parent / "seeker.py").read_text(), "seeker")


class Made(WarmEmbedder):
    """Two texts are the nearer, the more words they share. Counts what it encodes; `up` switches it off."""

    def __init__(self, name: str, dimension: int = 16, *, up: bool = True) -> None:
        super().__init__(name, self._made)
        self.encoded: list[str] = []
        self.up = up
        self._size = dimension

    async def _made(self) -> Model:
        await self._encode([])
        return Model("1", self._size, self._encode)

    async def _encode(self, texts):
        if not self.up:
            raise Unavailable(f"{self.name} is down")
        self.encoded.extend(texts)
        return np.array([self._vector(text) for text in texts], np.float32).reshape(len(texts), self._size)

    def _vector(self, text: str):
        vector = np.full(self._size, 1e-3, dtype=np.float32)
        for word in words(text):
            vector[hashlib.sha256(f"{self.name}{word}".encode()).digest()[0] % self._size] += 1
        return vector / np.linalg.norm(vector)


@dataclass
class EmbeddingHome:
    """What the engine would have over this folder; `champion` may be exchanged, then `serving.reconcile()`."""

    folder: Path
    log: ExperienceLog
    cache: VectorCache
    generations: Generations
    champion: Design = SEEKER
    limits: Limits = field(default_factory=Limits)
    serving: Serving = field(init=False)
    service: MemoryService = field(init=False)

    async def remember(self, *texts: str, who: Principal = WHO) -> list[str]:
        ids = [(await self.service.update(who, Draft(text)))[0] for text in texts]
        await self.taken_in(who.project)
        return ids

    async def taken_in(self, scope: str = WHO.project) -> None:
        await self.serving.follow(scope)

    async def ask(self, text: str):
        return await self.service.retrieve(WHO, Query(text), 2000)

    async def reasons(self, text: str) -> dict[str, tuple[str, ...]]:
        return {item.text: item.reasons for item in (await self.ask(text)).items}

    @property
    def built(self) -> list[str]:
        """The generations on the disk."""
        return sorted(each.name for each in (self.folder / "projections" / self.champion.short).iterdir())


@contextlib.asynccontextmanager
async def embedding_home(folder: Path, embedder, setting: str = "", older=(), limits: Limits | None = None):
    """`older` are embedders that were chosen before, by their names, which stand for settings here."""
    async with contextlib.AsyncExitStack() as stack:
        log = await ExperienceLog.open(folder / "experiences.db")
        stack.push_async_callback(log.close)
        cache = await VectorCache.open(folder / "embeddings.db")
        stack.push_async_callback(cache.close)
        await cache.heed(log)
        recordings = await Recordings.open(folder / "recordings.db")
        stack.push_async_callback(recordings.close)
        known = {each.name: each for each in older}
        generations = Generations(
            folder / "projections",
            setting or embedder.name,
            embedder,
            lambda name: known.get(name, NoEmbedder(f"{name} is not here any more")),
        )
        home = EmbeddingHome(folder, log, cache, generations, limits=limits or Limits())

        def projections(design: Design) -> Projections:
            generation = generations.of(design)

            def asks(of: Design, scope: str) -> HostToolkit:
                own = generations.embedder_of(generation)
                return HostToolkit(of.id, own, None, recordings, scope=scope, vectors=cache, generation=generation)

            return Projections(
                design,
                log,
                InProcessHost(),
                asks,
                folder / "projections",
                4,
                home.limits,
                generation,
                lambda: generations.outdated(generation),
            )

        home.serving = Serving(log, lambda: home.champion, projections)
        stack.push_async_callback(home.serving.close)
        redactor = Redactor(b"k" * 32)
        questions = QuestionLog.open(folder / "questions.db", redactor, 0)
        stack.push_async_callback(questions.close)
        ballast = Ballast(folder / "ballast")
        home.service = MemoryService(log, redactor, home.serving, ballast, recordings, questions, vectors=cache)
        yield home
