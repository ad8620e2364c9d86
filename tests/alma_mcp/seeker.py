"""A design for tests: finds by words and by meaning, keeps what it could not embed until it sleeps."""

from collections.abc import Sequence

from alma_mcp.contract import Experience, Query, RankedMemory, Unavailable, words


class Seeker(RankedMemory):
    name = "seeker"
    weights = {"words": 1.0, "vectors": 1.0}  # noqa: RUF012 - as every design has it
    smoothing = 1

    async def rank_words(self, query: Query, found: Sequence[int]) -> list[int]:
        wanted = set(words(query.text))
        rows = self.toolkit.db.execute("SELECT key, body FROM experiences ORDER BY key").fetchall()
        return [key for key, body in rows if wanted & set(words(body))]

    def create_vectors(self) -> None:
        self.toolkit.db.execute("CREATE TABLE IF NOT EXISTS waiting (key INTEGER PRIMARY KEY, text TEXT NOT NULL)")

    async def store_vectors(self, rows: Sequence[tuple[int, Experience]]) -> None:
        texts = [(key, experience.steps[0].text) for key, experience in rows]
        self.toolkit.db.executemany("INSERT INTO waiting VALUES (?, ?)", texts)
        await self.consolidate()

    async def rank_vectors(self, query: Query, found: Sequence[int]) -> list[int]:
        (vector,) = await self.toolkit.embed([query.text])
        return [key for key, _ in self.toolkit.vectors("texts").search(vector, 10)]

    def forget_vectors(self, keys: Sequence[int]) -> None:
        self.toolkit.vectors("texts").remove(keys)
        self.toolkit.db.executemany("DELETE FROM waiting WHERE key = ?", [(key,) for key in keys])

    async def consolidate(self) -> None:
        while rows := self.toolkit.db.execute("SELECT key, text FROM waiting ORDER BY key LIMIT 2").fetchall():
            try:
                vectors = await self.toolkit.embed([text for _, text in rows])
            except Unavailable:
                return
            self.toolkit.vectors("texts").add([key for key, _ in rows], vectors)
            self.toolkit.db.executemany("DELETE FROM waiting WHERE key = ?", [(key,) for key, _ in rows])
