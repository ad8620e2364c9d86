"""The design that an upstream memory becomes: `SOURCES`, `MAIN`, `NAME`, `IDEA` and `NEEDS_MODEL` are the import's."""

import asyncio
import inspect
import json
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from alma_mcp.contract import Experience, Memory, MemoryItem, Query, Retrieval, Toolkit
from evolve.upstream.adapter.bridge import Bridge
from evolve.upstream.adapter.recorder import MemoStructure, recorder_of, recorder_of_query
from evolve.upstream.adapter.stand_ins import execute, stand_ins

SOURCES: Mapping[str, str] = {}
MAIN = ""
NAME = ""
IDEA = ""
NEEDS_MODEL = False

MOST_CHARACTERS = 40_000
MOST_EXPERIENCES = 20_000


class Imported(Memory):
    """Runs the upstream memory. It does not say what an answer rests on: so on everything it has taken in."""

    name = NAME
    idea = IDEA
    needs_complete = NEEDS_MODEL
    state_in_python = True

    def __init__(self, toolkit: Toolkit) -> None:
        super().__init__(toolkit)
        self._bridge = Bridge()
        self._making = asyncio.Lock()
        self._structure: Any = None
        self._taken: dict[str, Experience] = {}

    async def update(self, experience: Experience) -> None:
        structure = await self._made()
        await self._updated(structure, experience)
        self._taken[experience.id] = experience

    async def retrieve(self, query: Query) -> Retrieval:
        structure = await self._made()
        newest = next(reversed(self._taken.values()), None)
        domain = newest.source if newest and newest.kind == "episode" else ""
        rests_on = tuple(reversed(self._taken))
        try:
            found = await self._run(query.time, lambda: structure.general_retrieve(recorder_of_query(query, domain)))
        except Exception as error:  # noqa: BLE001 - upstream raises anything, above all where nothing matches
            return Retrieval(note=f"general_retrieve() raised {type(error).__name__}: {error}")
        return retrieval_of(found, rests_on, query.limit)

    async def forget(self, experiences: Sequence[str]) -> None:
        """Make the memory anew from the other experiences."""
        gone = set(experiences) & self._taken.keys()
        if not gone:
            return
        kept = {key: experience for key, experience in self._taken.items() if key not in gone}
        structure = await self._constructed()
        for experience in kept.values():
            await self._updated(structure, experience)
        self._structure, self._taken = structure, kept

    async def _updated(self, structure: Any, experience: Experience) -> None:
        await self._run(experience.time, lambda: structure.general_update(recorder_of(experience)))

    async def _made(self) -> Any:
        async with self._making:
            if self._structure is None:
                self._structure = await self._constructed()
            return self._structure

    async def _constructed(self) -> Any:
        async def construct() -> Any:
            companions = {name: source for name, source in SOURCES.items() if name != MAIN}
            return structure_in(execute(MAIN, SOURCES[MAIN], companions, stand_ins(self._bridge)))

        try:
            return await self._bridge.run(self.toolkit, 0.0, random.Random(0), construct)
        except Exception as error:
            raise RuntimeError(f"{MAIN} cannot be made: {type(error).__name__}: {error}") from error

    async def _run(self, now: float, call: Callable[[], Any]) -> Any:
        async def work() -> Any:
            given = call()
            return await given if inspect.isawaitable(given) else given

        return await self._bridge.run(self.toolkit, now, random.Random(self.toolkit.random.random()), work)


def structure_in(module: Any) -> Any:
    """The alphabetically first memory that a module has, made without arguments."""
    found = [
        each
        for _, each in sorted(vars(module).items())
        if inspect.isclass(each) and issubclass(each, MemoStructure) and not inspect.isabstract(each)
    ]
    if not found:
        raise TypeError("it has no class under MemoStructure with both general_retrieve and general_update")
    return found[0]()


def retrieval_of(found: Any, rests_on: tuple[str, ...], limit: int) -> Retrieval:
    """An item for each top-level key that holds something; those beyond the limit are one with the last."""
    named = found if isinstance(found, Mapping) else {"memory": found}
    texts = [f"{key}:\n{_text(value)}" for key, value in named.items() if value not in (None, "", [], {}, ())]
    if not texts:
        return Retrieval()
    if not rests_on:
        return Retrieval(note="What it says before it has taken anything in rests on nothing, and is left out.")
    if len(rests_on) > MOST_EXPERIENCES:
        return Retrieval(note=f"It rests on more than {MOST_EXPERIENCES:,} experiences, too many to name.")
    last = max(limit, 1) - 1
    texts = [*texts[:last], *(["\n\n".join(texts[last:])] if texts[last:] else [])]
    shown = [text if len(text) <= MOST_CHARACTERS else text[:MOST_CHARACTERS] + " …" for text in texts]
    return Retrieval(tuple(MemoryItem(text, 1 / (1 + rank), rests_on) for rank, text in enumerate(shown)))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1, default=str)
