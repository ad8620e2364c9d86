"""How the pages read the archive: in a thread, as it was at one moment, and not again while nothing has changed.

A search writes many times a second. What takes long to read is read again only after twenty times as long, so that
whoever looks on takes a small share of the machine.
"""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from alma_mcp.design_store import DesignStore
from alma_mcp.errors import EvolveError
from alma_mcp.home import Home
from evolve.archive import Archive

T = TypeVar("T")
MOST_KEPT = 16
REST = 20
"""So many times as long as a reading took it is not repeated."""

Look = Callable[[Archive], T]


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen, when the files were in that state; good `until` then whatever is written."""

    state: Hashable
    value: Any
    until: float


@dataclass(slots=True)
class Reader:
    """The archive of a home for those who only look. `clock` gives seconds that only grow."""

    home: Home
    store: DesignStore
    clock: Callable[[], float] = time.monotonic
    _kept: dict[Hashable, Seen] = field(default_factory=dict)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    async def read(self, look: Look[T]) -> T | None:
        """What is seen in the archive, None where there is none. Raises `EvolveError` for one that is damaged."""
        return await asyncio.to_thread(self._read, look)

    async def read_once(self, key: Hashable, look: Look[T]) -> T | None:
        """The same, and what was seen before under this key as long as no file of the archive has changed."""
        return await asyncio.to_thread(self._read_once, key, look)

    def _read(self, look: Look[T]) -> T | None:
        if not self.home.archive.exists():
            return None
        try:
            with Archive(self.home.archive, self.store, to_read=True) as archive:
                return look(archive)
        except (sqlite3.Error, ValueError, KeyError, TypeError) as error:
            raise EvolveError(
                f"The archive {self.home.archive} is damaged ({error}); restore it from a backup, or move it away."
            ) from error

    def _read_once(self, key: Hashable, look: Look[T]) -> T | None:
        with self._turn:
            state, began = self._state(), self.clock()
            kept = self._kept.get(key)
            if kept is None or (kept.state != state and began >= kept.until):
                value = self._read(look)
                ended = self.clock()
                kept = Seen(state, value, ended + REST * (ended - began))
                self._keep(key, kept)
            found: T | None = kept.value
            return found

    def _keep(self, key: Hashable, seen: Seen) -> None:
        self._kept.pop(key, None)
        while len(self._kept) >= MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = seen

    def _state(self) -> Hashable:
        """What is different once somebody has written. To read may leave an empty write-ahead log, which is none."""
        found = []
        for path in (self.home.archive, self.home.archive.with_name(f"{self.home.archive.name}-wal")):
            try:
                stat = path.stat()
                found.append((stat.st_mtime_ns, stat.st_size) if stat.st_size else (0, 0))
            except OSError:
                found.append((0, 0))
        return tuple(found)
