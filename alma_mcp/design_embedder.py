"""The embedder as one design in one scope is given it: from the cache where it can be, and in time."""

import asyncio
import contextlib
from collections.abc import Sequence

import numpy as np

from alma_mcp.contract import Unavailable
from alma_mcp.embedders import Embedder, Vectors, prepared
from alma_mcp.embedders.none import NoEmbedder
from alma_mcp.errors import StoreError
from alma_mcp.projections.generation import Generation
from alma_mcp.projections.taking_in import TakingIn
from alma_mcp.vector_cache import VectorCache, cache_key

ASKED_SECONDS = 2.0
TAKING_IN_SECONDS = 40.0


class DesignEmbedder:
    """Vectors for one scope. `cache` keeps what is taken in; `generation` admits one embedder's vectors only."""

    def __init__(
        self, embedder: Embedder | None, scope: str, cache: VectorCache | None, generation: Generation | None
    ) -> None:
        self._embedder = embedder
        self._scope = scope
        self._cache = cache
        self._generation = generation
        self._foreseen: set[asyncio.Task[Vectors]] = set()

    def foresee(self, text: str) -> None:
        """Begin to embed a query's text, where this memory holds this embedder's vectors.

        The model works while the design still looks for words; an embedder encodes equal texts in flight once.
        """
        if not (self._embedder and self._generation and self._embedder.identity == self._generation.identity != ""):
            return
        task = asyncio.create_task(self._embedder.embed([text]))
        self._foreseen.add(task)
        task.add_done_callback(self._saw)

    def _saw(self, task: asyncio.Task[Vectors]) -> None:
        self._foreseen.discard(task)
        if not task.cancelled():
            task.exception()  # told to the design when it asks

    async def embed(self, texts: Sequence[str], taking_in: TakingIn | None) -> Vectors:
        """float32 unit vectors, shape (len(texts), dimension); `taking_in` is None for a query's.

        Raises `Unavailable`; then a text that is taken in waits for a later `consolidate`.
        """
        seconds = TAKING_IN_SECONDS if taking_in else ASKED_SECONDS
        self._check_turn(taking_in)
        try:
            async with asyncio.timeout(seconds):
                return await self._admitted(texts, taking_in)
        except TimeoutError:
            self._refused(taking_in)
            raise Unavailable(f"the embedder took more than {seconds:g} seconds") from None
        except Unavailable:
            self._refused(taking_in)
            raise

    def _check_turn(self, taking_in: TakingIn | None) -> None:
        """Passages that wait are embedded in a sleep, which ends in time, and not among new experiences."""
        waits = self._generation is not None and self._scope in self._generation.waiting
        if waits and taking_in and taking_in.sleep_ends is None:
            raise Unavailable("older passages are embedded first")

    async def _admitted(self, texts: Sequence[str], taking_in: TakingIn | None) -> Vectors:
        embedder = self._embedder
        if embedder is None:
            raise Unavailable("no embedder is configured")
        if self._cache is None and self._generation is None:
            return await embedder.embed(texts)
        if not embedder.identity:
            await embedder.embed([])  # loads the model, which tells its identity
        if self._generation:
            self._generation.admit(embedder.identity, writes=taking_in is not None)
        if self._cache is None or taking_in is None:
            return await embedder.embed(texts)
        return await self._through(self._cache, embedder, texts, taking_in)

    async def _through(
        self, cache: VectorCache, embedder: Embedder, texts: Sequence[str], taking_in: TakingIn
    ) -> Vectors:
        keys = {text: cache_key(embedder.identity, prepared(text)) for text in texts}
        found: dict[bytes, Vectors] = {}
        with contextlib.suppress(StoreError):  # a cache that cannot be read or written costs time, nothing else
            found = await cache.get(list(dict.fromkeys(keys.values())))
        missing = {key: text for text, key in keys.items() if key not in found}
        if missing:
            vectors = await embedder.embed(list(missing.values()))
            fresh = dict(zip(missing, vectors, strict=True))
            with contextlib.suppress(StoreError):
                await cache.put(fresh, self._scope, taking_in)
            found |= fresh
        return np.stack([found[keys[text]] for text in texts])

    def _refused(self, taking_in: TakingIn | None) -> None:
        if self._generation and taking_in and not isinstance(self._embedder, NoEmbedder):
            self._generation.wait(self._scope)
