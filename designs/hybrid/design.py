"""Words, meaning, files and time, each a mechanism; their scores are weighted and summed.

Words are scored beside the best match of the same query, meaning by its similarity itself. Document, passages, vectors
and paths find memories; voice, recency, outcome and harm only order what was found.
"""

import json
import re
from collections.abc import Mapping, Sequence

from alma_mcp.contract import (
    Experience,
    Query,
    RankedMemory,
    Unavailable,
    passages,
    relative,
    telling_words,
    words,
)

WORDS = 48
POSTINGS = 2000
PARTS = 4096
EMBEDDED = 64
BATCH = 256
DAY = 86400.0
NEAR = 16
CONTEXT = 0.5
PATH = re.compile(r"(?<![\w.@/-])(?:[\w.@-]++/)++[\w@-]*+\.\w++")


class Hybrid(RankedMemory):
    name = "hybrid"
    idea = (
        "Find memories by words, meaning and files; favour the user's words, the recent and the proven; distrust harm."
    )
    weights = {
        "document": 1.0,
        "passages": 1.0,
        "vectors": 2.0,
        "paths": 1.0,
        "voice": 0.5,
        "recency": 0.4,
        "outcome": 0.2,
        "harm": -0.4,
    }

    # document: BM25 over the whole of an experience that has several steps

    def create_document(self) -> None:
        self._create_index("document", "text")

    async def store_document(self, rows: Sequence[tuple[int, Experience]]) -> None:
        self._index("document", [(key, split(each.text)) for key, each in rows if len(each.steps) > 1])

    async def rank_document(self, query: Query, found: Sequence[int]) -> Mapping[int, float]:
        return relative(dict(self._matches("document", query, self.depth)))

    def forget_document(self, keys: Sequence[int]) -> None:
        self._drop("document", [(key, key) for key in keys])

    # passages: BM25 over each part in the light of the part before it; the best part speaks for its experience

    def create_passages(self) -> None:
        self._create_index("passages", "text, before")

    async def store_passages(self, rows: Sequence[tuple[int, Experience]]) -> None:
        for key, experience in rows:
            parts = self._in_context(key, experience)[:PARTS]
            self._index("passages", [(key * PARTS + n, *map(split, part)) for n, part in enumerate(parts)])

    async def rank_passages(self, query: Query, found: Sequence[int]) -> Mapping[int, float]:
        return relative(best_part(self._matches("passages", query, 4 * self.depth, f", 1.0, {CONTEXT}")))

    def forget_passages(self, keys: Sequence[int]) -> None:
        followers = self._followers(keys)
        self._drop("passages", [(key * PARTS, key * PARTS + PARTS - 1) for key in [*keys, *followers]])
        for key, experience in followers.items():
            parts = self._in_context(key, experience, without=keys)[:PARTS]
            self._index("passages", [(key * PARTS + n, *map(split, part)) for n, part in enumerate(parts)])

    # vectors: the meaning of each part, and half the meaning of the part before it

    def create_vectors(self) -> None:
        self.toolkit.db.execute(
            "CREATE TABLE IF NOT EXISTS waiting (key INTEGER PRIMARY KEY, text TEXT NOT NULL, before TEXT NOT NULL)"
        )

    async def store_vectors(self, rows: Sequence[tuple[int, Experience]]) -> None:
        for key, experience in rows:
            parts = self._in_context(key, experience)[:EMBEDDED]
            self._wait([(key * PARTS + n, *part) for n, part in enumerate(parts)])
        await self._embed_waiting()

    async def rank_vectors(self, query: Query, found: Sequence[int]) -> Mapping[int, float]:
        (vector,) = await self.toolkit.embed([query.text])
        nearest = best_part(self.toolkit.vectors("passages").search(vector, 4 * self.depth))
        return {key: max(similarity, 0.0) for key, similarity in nearest.items()}

    def forget_vectors(self, keys: Sequence[int]) -> None:
        followers = self._followers(keys)
        for key in [*keys, *followers]:
            self.toolkit.vectors("passages").remove(range(key * PARTS, key * PARTS + EMBEDDED))
            self.toolkit.db.execute("DELETE FROM waiting WHERE key / ? = ?", (PARTS, key))
        for key, experience in followers.items():
            parts = self._in_context(key, experience, without=keys)[:EMBEDDED]
            self._wait([(key * PARTS + n, *part) for n, part in enumerate(parts)])

    async def consolidate(self) -> None:
        await self._embed_waiting()

    async def forget(self, experiences: Sequence[str]) -> None:
        await super().forget(experiences)
        await self._embed_waiting()

    def _wait(self, rows: Sequence[tuple[int, str, str]]) -> None:
        self.toolkit.db.executemany("INSERT INTO waiting VALUES (?, ?, ?)", rows)

    async def _embed_waiting(self) -> None:
        """Embed what waits, oldest first; without an embedder it goes on waiting."""
        sql = "SELECT key, text, before FROM waiting ORDER BY key LIMIT ?"
        while waiting := self.toolkit.db.execute(sql, (BATCH,)).fetchall():
            texts = list(dict.fromkeys(text for _, *part in waiting for text in part if text))
            try:
                vectors = dict(zip(texts, await self.toolkit.embed(texts), strict=True))
            except Unavailable:
                return
            keys = [key for key, *_ in waiting]
            mixed = [vectors[text] + (CONTEXT * vectors[before] if before else 0) for _, text, before in waiting]
            self.toolkit.vectors("passages").add(keys, mixed)
            self.toolkit.db.executemany("DELETE FROM waiting WHERE key = ?", [(key,) for key in keys])

    # paths: BM25 over the parts of the file names in an outcome

    def create_paths(self) -> None:
        self._create_index("paths", "text")

    async def store_paths(self, rows: Sequence[tuple[int, Experience]]) -> None:
        named = [(key, PATH.findall(each.outcome)) for key, each in rows]
        self._index("paths", [(key, split("\n".join(dict.fromkeys(paths)))) for key, paths in named if paths])

    async def rank_paths(self, query: Query, found: Sequence[int]) -> Mapping[int, float]:
        return relative(dict(self._matches("paths", query, self.depth)))

    def forget_paths(self, keys: Sequence[int]) -> None:
        self._drop("paths", [(key, key) for key in keys])

    # voice: the user's own words, and the words of those the query names

    def create_voice(self) -> None:
        self.toolkit.db.execute("CREATE TABLE IF NOT EXISTS voice (key INTEGER PRIMARY KEY, speaker TEXT NOT NULL)")

    async def store_voice(self, rows: Sequence[tuple[int, Experience]]) -> None:
        alone = [(key, each.steps[0].actor.lower()) for key, each in rows if len(each.steps) == 1]
        self.toolkit.db.executemany("INSERT INTO voice VALUES (?, ?)", alone)

    async def rank_voice(self, query: Query, found: Sequence[int]) -> Mapping[int, float]:
        heard = {"user", *words(query.text)}
        sql = f"SELECT key, speaker FROM voice WHERE key IN ({marks(found)})"
        return {key: 1.0 for key, speaker in self.toolkit.db.execute(sql, list(found)) if speaker in heard}

    def forget_voice(self, keys: Sequence[int]) -> None:
        self.toolkit.db.executemany("DELETE FROM voice WHERE key = ?", [(key,) for key in keys])

    # recency: work goes on where it was left; a single turn is as true as on the day it was said

    def create_recency(self) -> None:
        self.toolkit.db.execute("CREATE TABLE IF NOT EXISTS work (key INTEGER PRIMARY KEY, time REAL NOT NULL)")

    async def store_recency(self, rows: Sequence[tuple[int, Experience]]) -> None:
        times = [(key, each.time) for key, each in rows if each.kind != "turn"]
        self.toolkit.db.executemany("INSERT INTO work VALUES (?, ?)", times)

    async def rank_recency(self, query: Query, found: Sequence[int]) -> Mapping[int, float]:
        """A half after a day, a quarter after three, a thirtieth after a month."""
        times = self.toolkit.db.execute(f"SELECT key, time FROM work WHERE key IN ({marks(found)})", list(found))
        return {key: 1 / (1 + max(query.time - time, 0.0) / DAY) for key, time in times}

    def forget_recency(self, keys: Sequence[int]) -> None:
        self.toolkit.db.executemany("DELETE FROM work WHERE key = ?", [(key,) for key in keys])

    # outcome and harm

    async def rank_outcome(self, query: Query, found: Sequence[int]) -> Mapping[int, float]:
        """Those that ended well or helped since."""
        credit = self._column("helpful + coalesce(reward, 0)", found)
        return {key: each / (1 + each) for key, each in credit.items() if each > 0}

    async def rank_harm(self, query: Query, found: Sequence[int]) -> Mapping[int, float]:
        """Those that were called harmful more often than helpful: their weight is negative."""
        harm = self._column("-helpful", found)
        return {key: each / (1 + each) for key, each in harm.items() if each > 0}

    def _column(self, expression: str, keys: Sequence[int]) -> dict[int, float]:
        sql = f"SELECT key, {expression} FROM experiences WHERE key IN ({marks(keys)})"
        return dict(self.toolkit.db.execute(sql, list(keys)))

    # what the mechanisms share

    def _create_index(self, table: str, columns: str) -> None:
        sql = f"CREATE VIRTUAL TABLE IF NOT EXISTS {table} USING fts5({columns}, tokenize='porter unicode61')"
        self.toolkit.db.execute(sql)

    def _index(self, table: str, rows: Sequence[tuple[int | str, ...]]) -> None:
        if rows:
            columns = "rowid, text, before" if len(rows[0]) > 2 else "rowid, text"
            self.toolkit.db.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks(rows[0])})", rows)

    def _drop(self, table: str, ranges: Sequence[tuple[int, int]]) -> None:
        self.toolkit.db.executemany(f"DELETE FROM {table} WHERE rowid BETWEEN ? AND ?", ranges)
        self.toolkit.db.execute(f"INSERT INTO {table} ({table}) VALUES ('optimize')")

    def _matches(self, table: str, query: Query, count: int, weights: str = "") -> list[tuple[int, float]]:
        """The best rows by BM25 with their scores, best first; of the query's words the rarest."""
        asked = [f'"{word}"' for word in telling_words(f"{query.text} {query.context}")[:WORDS]]
        rarest, oldest = self._rarest(table, asked)
        if not rarest:
            return []
        sql = (
            f"SELECT rowid, -bm25({table}{weights}) AS score FROM {table} WHERE {table} MATCH ? AND rowid >= ?"
            " ORDER BY score DESC, rowid DESC LIMIT ?"
        )
        return list(self.toolkit.db.execute(sql, (" OR ".join(rarest), oldest, count)))

    def _rarest(self, table: str, asked: Sequence[str]) -> tuple[list[str], int]:
        """The rarest words that together stand in at most `POSTINGS` rows, and the first row to look at.

        BM25 costs a microsecond for each row that has a word, and common words tell little. Where every word is
        common, only the newest rows are ranked.
        """
        sql = f"SELECT count(*) FROM (SELECT 1 FROM {table} WHERE {table} MATCH ? LIMIT ?)"
        counts = {word: int(self.toolkit.db.execute(sql, (word, POSTINGS + 1)).fetchone()[0]) for word in asked}
        total = 0
        rarest: list[str] = []
        for word in sorted((word for word in asked if counts[word]), key=lambda word: counts[word]):
            if rarest and total + counts[word] > POSTINGS:
                break
            rarest.append(word)
            total += counts[word]
        if total <= POSTINGS:
            return rarest, 0
        newest = f"SELECT rowid FROM {table} ORDER BY rowid DESC LIMIT 1 OFFSET ?"
        return rarest, int(self.toolkit.db.execute(newest, (POSTINGS - 1,)).fetchone()[0])

    def _in_context(self, key: int, experience: Experience, without: Sequence[int] = ()) -> list[tuple[str, str]]:
        """The parts of an experience, each with the part before it: for the first of a turn, the turn before."""
        parts = parts_of(experience)
        previous = self._neighbour(key, experience, "key < ? AND key >= ? - ? ORDER BY key DESC", without)
        if parts and previous:
            parts[0] = (parts[0][0], parts_of(previous[1])[-1][0])
        return parts

    def _followers(self, keys: Sequence[int]) -> dict[int, Experience]:
        """The turns that stand in the light of turns with these keys, and are not among them."""
        sql = "SELECT body FROM experiences WHERE key = ?"
        found: dict[int, Experience] = {}
        for key in keys:
            experience = Experience.from_json(json.loads(self.toolkit.db.execute(sql, (key,)).fetchone()[0]))
            if following := self._neighbour(key, experience, "key > ? AND key <= ? + ? ORDER BY key", keys):
                found[following[0]] = following[1]
        return found

    def _neighbour(
        self, key: int, experience: Experience, where: str, without: Sequence[int]
    ) -> tuple[int, Experience] | None:
        """The turn of the same session that was stored last before, or first after, and near."""
        if experience.kind != "turn":
            return None
        for other, body in self.toolkit.db.execute(
            f"SELECT key, body FROM experiences WHERE {where}", (key, key, NEAR)
        ):
            turn = Experience.from_json(json.loads(body))
            if (turn.kind, turn.session) == ("turn", experience.session) and other not in without and parts_of(turn):
                return other, turn
        return None


def parts_of(experience: Experience) -> list[tuple[str, str]]:
    """Task, steps and outcome of an experience in passages, each with the passage before it."""
    said = [f"{step.actor}: {part}" for step in experience.steps for part in passages(step.text)]
    parts = [*passages(experience.task), *said, *passages(experience.outcome)]
    return list(zip(parts, ["", *parts], strict=False))


def best_part(scored: Sequence[tuple[int, float]]) -> dict[int, float]:
    """The score of the best part of each experience; parts come best first."""
    best: dict[int, float] = {}
    for key, score in scored:
        best.setdefault(key // PARTS, score)
    return best


def split(text: str) -> str:
    """Its words and the parts of its identifiers, a space between them."""
    return " ".join(words(text))


def marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))
