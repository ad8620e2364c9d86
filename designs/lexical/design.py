"""Memories by the words they share with the query, ranked by BM25."""

from collections.abc import Sequence

from alma_mcp.contract import Experience, Query, RankedMemory, telling_words, words

WORDS = 24
POSTINGS = 2000


class Lexical(RankedMemory):
    name = "lexical"
    idea = "Rank memories by BM25 over their words, with the rarest words of the query."
    weights = {"lexical": 1.0}

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
