"""A warm model for everybody: loaded once, recent texts remembered, equal texts in flight encoded once."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import numpy as np

from alma_mcp.contract import Unavailable
from alma_mcp.embedders import Vectors, prepared
from alma_mcp.pace import Pace

Encode = Callable[[Sequence[str]], Awaitable[Vectors]]
Found = dict[bytes, Vectors]

REMEMBERED_TEXTS = 4096
SHORT = 8
LONGEST_WAITS_SECONDS = 10.0
PAUSE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Model:
    """A loaded model. `revision` tells apart what gives other vectors under the same name; `encode` takes at
    most `batch` texts, `at_once` times at once, and gives unit vectors, shape (len(texts), dimension).

    `aside` does the same and leaves the processor to others; while queries come it is given `least` texts, or as many
    as ever where that is 0.
    """

    revision: str
    dimension: int
    encode: Encode
    batch: int = 8
    at_once: int = 1
    aside: Encode | None = None
    least: int = 0


class WarmEmbedder:
    """Implements `Embedder` over a way to open a model.

    A text's vector must depend on that text alone, never on its neighbours in a batch, so
    that replaying a log gives the same memory to the last bit. Who asks for vectors waits
    while the model is opened, unless opening is `slow`: then it is begun by `load` alone.
    """

    def __init__(self, name: str, open_model: Callable[[], Awaitable[Model]], *, slow: bool = False) -> None:
        self.name = name
        self.progress = "loading"
        self._open = open_model
        self._slow = slow
        self._model: Model | None = None
        self._problem = ""
        self._rested = 0.0
        self._loading = asyncio.Lock()
        self._bulk = asyncio.Lock()
        self._pace: Pace | None = None
        self._recent: OrderedDict[bytes, Vectors] = OrderedDict()
        self._coming: dict[bytes, asyncio.Task[Found]] = {}

    @property
    def dimension(self) -> int:
        return self._model.dimension if self._model else 0

    @property
    def identity(self) -> str:
        return f"{self.name} {self._model.dimension} {self._model.revision}" if self._model else ""

    @property
    def state(self) -> str:
        if self._model:
            return f"{self.name}, failing: {self._problem}" if self._problem else f"{self.name}, ready"
        if self._loading.locked():
            return f"{self.name}, {self.progress}"
        if self._problem:
            return f"{self.name} is unavailable, memory works by words: {self._problem}"
        return f"{self.name}, loaded at first use"

    async def load(self) -> None:
        async with self._loading:
            await self._load()

    def give_way(self, pace: Pace) -> None:
        """Long lists give way to what `pace` knows of from now on."""
        self._pace = pace

    async def embed(self, texts: Sequence[str]) -> Vectors:
        model = await self._usable()
        cut = [prepared(text) for text in texts]
        keys = [hashlib.sha256(text.encode()).digest() for text in cut]
        found = {key: self._recent[key] for key in keys if key in self._recent}
        self._remember(found)
        found |= await self._new(model, {key: text for key, text in zip(keys, cut, strict=True) if key not in found})
        return np.array([found[key] for key in keys], dtype=np.float32).reshape(len(keys), model.dimension)

    async def _new(self, model: Model, wanted: dict[bytes, str]) -> Found:
        if len(wanted) > SHORT:
            async with self._bulk:  # one long list at a time, so that a short one finds a free core
                return await self._encoded_aside(model, wanted)
        fresh = {key: text for key, text in wanted.items() if key not in self._coming}
        if fresh:
            task = asyncio.create_task(self._encoded(model, fresh))
            self._coming.update(dict.fromkeys(fresh, task))
            task.add_done_callback(lambda done: self._came(done, list(fresh)))
        found: Found = {}
        for each in {self._coming[key] for key in wanted}:
            found |= await asyncio.shield(each)
        return found

    def _came(self, task: asyncio.Task[Found], keys: Sequence[bytes]) -> None:
        for key in keys:
            del self._coming[key]
        if not task.cancelled():
            task.exception()  # told to whoever still waits; where nobody does, it is of no interest

    async def _encoded_aside(self, model: Model, wanted: dict[bytes, str]) -> Found:
        """A long list; where there is a pace, in little steps on one core while queries come, which go first."""
        found: Found = {}
        left = list(wanted.items())
        patient_until = asyncio.get_running_loop().time() + LONGEST_WAITS_SECONDS
        while left:
            hurried = self._pace is not None and self._pace.hurried
            if self._pace and asyncio.get_running_loop().time() < patient_until:
                await self._pace.pass_by()
            step = model.least if hurried and model.least else model.batch * model.at_once
            aside = self._pace is not None and not self._pace.awaited
            found |= await self._encoded(model, dict(left[:step]), aside=aside)
            left = left[step:]
        return found

    async def _encoded(self, model: Model, wanted: dict[bytes, str], *, aside: bool = False) -> Found:
        keys, texts = list(wanted), list(wanted.values())
        encode = model.aside if aside and model.aside else model.encode
        found: Found = {}
        step = model.batch * model.at_once
        for start in range(0, len(texts), step):
            batches = [texts[n : n + model.batch] for n in range(start, min(start + step, len(texts)), model.batch)]
            try:
                vectors = await asyncio.gather(*map(encode, batches))
            except Unavailable as reason:
                self._failed(reason)
                raise
            found |= zip(keys[start : start + step], np.concatenate(vectors), strict=True)
            self._remember(found)
        self._problem = ""
        return found

    async def _usable(self) -> Model:
        if self._model is None and self._slow:
            raise Unavailable(self.state)
        async with self._loading:
            if self._problem and asyncio.get_running_loop().time() < self._rested:
                raise Unavailable(self._problem)
            return await self._load()

    async def _load(self) -> Model:
        if self._model is None:
            try:
                self._model = await self._open()
            except Unavailable as reason:
                self._failed(reason)
                raise
            self._problem = ""
        return self._model

    def _failed(self, reason: Unavailable) -> None:
        """For a moment nobody waits for what has just failed."""
        self._problem = str(reason)
        self._rested = asyncio.get_running_loop().time() + PAUSE_SECONDS

    def _remember(self, found: Found) -> None:
        for key, vector in found.items():
            self._recent[key] = vector
            self._recent.move_to_end(key)
        while len(self._recent) > REMEMBERED_TEXTS:
            self._recent.popitem(last=False)
