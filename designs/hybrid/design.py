"""Five mechanisms, fused by rank: shared words, near meaning, newer first, proven first, harmful last.

Words and meaning find memories; time and what became of them only re-rank what was found.
"""

from collections.abc import Sequence

from alma_mcp.contract import Experience, Query, RankedMemory, Unavailable, passages, telling_words, words

WORDS = 24
POSTINGS = 2000
PARTS = 24
BATCH = 256


class Hybrid(RankedMemory):
    name = "hybrid"
    idea = "Find memories by words and by meaning; favour the newer and the proven, distrust what did harm."
    weights = {"lexical": 1.0, "vectors": 0.6, "recency": 0.05, "outcome": 0.1, "harm": -0.2}

    # lexical: BM25 over words, stems and parts of identifiers

    def create_lexical(self) -> None:
        self.toolkit.db.execute(
            "CREATE VIRTUAL TABLE IF NOT EXISTS lexical USING fts5(words, tokenize='porter unicode61')"
        )

    async def store_lexical(self, rows: Sequence[tuple[int, Experience]]) -> None:
        texts = [(key, " ".join(words(experience.text))) for key, experience in rows]
        self.toolkit.db.executemany("INSERT INTO lexical (rowid, words) VALUES (?, ?)", texts)

    async def rank_lexical(self, query: Query, found: Sequence[int]) -> list[int]:
        asked = [f'"{word}"' for word in telling_words(f"{query.text} {query.context}")[:WORDS]]
        rarest, count = self._rarest(asked)
        if not count:
            return []
        sql = "SELECT rowid FROM lexical WHERE lexical MATCH ? AND rowid > ? ORDER BY rank, rowid DESC LIMIT ?"
        return [key for (key,) in self.toolkit.db.execute(sql, (" OR ".join(rarest), self._oldest(count), self.depth))]

    def forget_lexical(self, keys: Sequence[int]) -> None:
        self.toolkit.db.executemany("DELETE FROM lexical WHERE rowid = ?", [(key,) for key in keys])
        self.toolkit.db.execute("INSERT INTO lexical (lexical) VALUES ('optimize')")

    def _rarest(self, asked: Sequence[str]) -> tuple[list[str], int]:
        """The rarest words that together stand in at most `POSTINGS` memories, and that number.

        BM25 costs a microsecond for each memory that has a word, and common words tell little.
        """
        counted = sorted((count, word) for word in asked if (count := self._memories_with(word)))
        total = 0
        rarest: list[str] = []
        for count, word in counted:
            if rarest and total + count > POSTINGS:
                break
            rarest.append(word)
            total += count
        return rarest, total

    def _memories_with(self, word: str) -> int:
        sql = "SELECT count(*) FROM (SELECT 1 FROM lexical WHERE lexical MATCH ? LIMIT ?)"
        (count,) = self.toolkit.db.execute(sql, (word, POSTINGS + 1)).fetchone()
        return int(count)

    def _oldest(self, count: int) -> int:
        """Where every word is common, only the newest memories are ranked."""
        if count <= POSTINGS:
            return 0
        (newest,) = self.toolkit.db.execute("SELECT max(rowid) FROM lexical").fetchone()
        return int(newest) - POSTINGS

    # vectors: an experience is as near as its nearest part

    def create_vectors(self) -> None:
        self.toolkit.db.execute(
            "CREATE TABLE IF NOT EXISTS parts"
            " (key INTEGER PRIMARY KEY, experience INTEGER NOT NULL, text TEXT)"  # text: not embedded yet
        )
        self.toolkit.db.execute("CREATE INDEX IF NOT EXISTS parts_by_experience ON parts (experience)")
        self.toolkit.db.execute("CREATE INDEX IF NOT EXISTS parts_waiting ON parts (key) WHERE text IS NOT NULL")

    async def store_vectors(self, rows: Sequence[tuple[int, Experience]]) -> None:
        parts = [(key, part) for key, experience in rows for part in parts_of(experience)]
        self.toolkit.db.executemany("INSERT INTO parts (experience, text) VALUES (?, ?)", parts)
        await self._embed_waiting()

    async def rank_vectors(self, query: Query, found: Sequence[int]) -> list[int]:
        (vector,) = await self.toolkit.embed([query.text])
        scored = self.toolkit.vectors("parts").search(vector, 4 * self.depth)
        nearest = [key for key, _ in sorted(scored, key=lambda each: (-round(each[1], 6), -each[0]))]
        owner = dict(
            self.toolkit.db.execute(f"SELECT key, experience FROM parts WHERE key IN ({marks(nearest)})", nearest)
        )
        return list(dict.fromkeys(owner[key] for key in nearest if key in owner))

    def forget_vectors(self, keys: Sequence[int]) -> None:
        for key in keys:
            parts = [part for (part,) in self.toolkit.db.execute("SELECT key FROM parts WHERE experience = ?", (key,))]
            self.toolkit.vectors("parts").remove(parts)
            self.toolkit.db.execute("DELETE FROM parts WHERE experience = ?", (key,))

    async def consolidate(self) -> None:
        await self._embed_waiting()

    async def _embed_waiting(self) -> None:
        """Embed what waits, oldest first; without an embedder it goes on waiting."""
        sql = "SELECT key, text FROM parts WHERE text IS NOT NULL ORDER BY key LIMIT ?"
        while waiting := self.toolkit.db.execute(sql, (BATCH,)).fetchall():
            try:
                vectors = await self.toolkit.embed([text for _, text in waiting])
            except Unavailable:
                return
            keys = [(key,) for key, _ in waiting]
            self.toolkit.vectors("parts").add([key for (key,) in keys], vectors)
            self.toolkit.db.executemany("UPDATE parts SET text = NULL WHERE key = ?", keys)

    # recency, outcome and harm: the order of what was found

    async def rank_recency(self, query: Query, found: Sequence[int]) -> list[int]:
        times = self._column("time", found)
        return sorted(times, key=lambda key: -times[key])

    async def rank_outcome(self, query: Query, found: Sequence[int]) -> list[int]:
        """Those that ended well or helped since; the others gain nothing."""
        credit = self._column("helpful + coalesce(reward, 0)", found)
        return sorted((key for key in credit if credit[key] > 0), key=lambda key: -credit[key])

    async def rank_harm(self, query: Query, found: Sequence[int]) -> list[int]:
        """Those that were called harmful more often than helpful: their weight is negative."""
        helpful = self._column("helpful", found)
        return sorted((key for key in helpful if helpful[key] < 0), key=lambda key: helpful[key])

    def _column(self, expression: str, keys: Sequence[int]) -> dict[int, float]:
        """A number for each key, in the order of the keys."""
        sql = f"SELECT key, {expression} FROM experiences WHERE key IN ({marks(keys)})"
        values = dict(self.toolkit.db.execute(sql, list(keys)))
        return {key: values[key] for key in keys if key in values}


def parts_of(experience: Experience) -> list[str]:
    """What is embedded of an experience: its task, its outcome, and its steps in passages."""
    steps = "\n".join(f"{step.actor}: {step.text}" for step in experience.steps)
    return [part for part in (experience.task, *passages(steps)[:PARTS], experience.outcome) if part.strip()]


def marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))
