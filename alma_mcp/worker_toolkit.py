"""The toolkit as a design sees it, on the far side of the pipe."""

import base64
import contextlib
import random
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alma_mcp.contract import Budget, Unavailable
from alma_mcp.vectors import Vectors, VectorTables
from alma_mcp.worker_database import Database, Store

Ask = Callable[[str, Mapping[str, Any]], Awaitable[Any]]


@dataclass(slots=True)
class Turn:
    """One call of the host: which connection it sees, at what time and log position."""

    connection: sqlite3.Connection
    now: float
    position: int
    random: random.Random
    writes: bool
    calls: int = 0
    over: bool = False


TURN: ContextVar[Turn] = ContextVar("TURN")


class DesignToolkit:
    """Implements `contract.Toolkit`. Usable only while the host calls the design."""

    def __init__(self, folder: Path, seed: str, ask: Ask) -> None:
        self._store = store = Store(folder)
        self.db = Database(store, lambda: self._turn.connection)
        self.budget = Budget()
        self._seed = seed
        self._ask = ask
        self._tables = VectorTables(store.reader, folder)

    @property
    def now(self) -> float:
        return self._turn.now

    @property
    def random(self) -> random.Random:
        return self._turn.random

    def vectors(self, name: str) -> Vectors:
        return Vectors(self._tables.table(name), lambda: self._turn)

    async def embed(self, texts: Sequence[str]) -> Any:
        """float32 unit vectors, shape (len(texts), dimension). Raises `Unavailable`."""
        import numpy as np  # noqa: PLC0415 - a design without vectors starts 80 ms sooner

        if not texts:
            raise ValueError("embed() wants at least one text")
        params = {"texts": [str(text) for text in texts], "writes": self._turn.writes}
        encoded = await self._ask("embed", params)
        rows = [np.frombuffer(base64.b64decode(each), dtype="<f4") for each in encoded]
        return np.stack(rows).astype(np.float32)

    async def complete(self, prompt: str, schema: Mapping[str, Any] | None = None) -> str:
        """A model's answer. Raises `Unavailable`."""
        turn = self._turn
        call, turn.calls = turn.calls, turn.calls + 1
        params = {"prompt": str(prompt), "schema": schema, "position": turn.position, "call": call}
        answer = await self._ask("complete", params)
        if not isinstance(answer, str):
            raise Unavailable("the model's answer is no text")
        return answer

    @contextlib.contextmanager
    def turn(self, now: float, position: int, *, writes: bool, salt: str = "") -> Iterator[Turn]:
        """One call of the host; toolkit and database answer only inside it."""
        connection = self._store.writer if writes else self._store.reader
        turn = Turn(connection, now, position, random.Random(f"{self._seed}:{position}:{salt}"), writes)
        token = TURN.set(turn)
        try:
            yield turn
        finally:
            turn.over = True
            TURN.reset(token)

    @contextlib.contextmanager
    def transaction(self, now: float, position: int, *, salt: str = "") -> Iterator[None]:
        """A turn that writes: committed together with the log position, or not at all."""
        with self.turn(now, position, writes=True, salt=salt):
            self._store.begin()
            try:
                yield
                self._store.commit(position)
            except BaseException:
                self._store.rollback()
                self._tables.drop()
                raise
            self._tables.publish()

    @property
    def position(self) -> int:
        """The log position of the last committed transaction."""
        return self._store.position

    def scrub(self) -> None:
        """Let nothing that was forgotten remain on the disk."""
        self._store.scrub()

    def close(self) -> None:
        self._store.close()

    @property
    def _turn(self) -> Turn:
        turn = TURN.get(None)
        if turn is None or turn.over:
            raise sqlite3.ProgrammingError("The toolkit can be used only while the host calls the design.")
        return turn
