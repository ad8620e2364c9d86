"""Plain grep over raw trajectories: the words of the query are patterns, the lines that have one come back."""

from collections.abc import Mapping, Sequence
from heapq import nlargest

from alma_mcp.contract import Experience, Query, RankedMemory, telling_words

PATTERNS = 24
READ = 15_000_000
FOR_EACH = 100
CONTEXT = 1
LINE = 400
SHOWN = 4000


class Grep(RankedMemory):
    name = "grep"
    idea = "Search the raw text for the query's words; return the lines that have one, with a line around them."
    weights = {"grep": 1.0}

    def create_grep(self) -> None:
        self.toolkit.db.execute("CREATE TABLE IF NOT EXISTS grep (key INTEGER PRIMARY KEY, text TEXT NOT NULL)")

    async def store_grep(self, rows: Sequence[tuple[int, Experience]]) -> None:
        texts = [(key, experience.text.lower()) for key, experience in rows]
        self.toolkit.db.executemany("INSERT INTO grep VALUES (?, ?)", texts)

    async def rank_grep(self, query: Query, found: Sequence[int]) -> Mapping[int, float]:
        """The part of the patterns that each text has; of very much text only the newest is read."""
        wanted = patterns(query)
        matched: dict[int, int] = {}
        read = 0
        for key, text in self.toolkit.db.execute("SELECT key, text FROM grep ORDER BY key DESC"):
            if count := sum(pattern in text for pattern in wanted):
                matched[key] = count
            read += len(text) + FOR_EACH
            if read > READ:
                break
        best = nlargest(self.depth, matched, key=lambda key: (matched[key], key))
        return {key: matched[key] / len(wanted) for key in best}

    def forget_grep(self, keys: Sequence[int]) -> None:
        self.toolkit.db.executemany("DELETE FROM grep WHERE key = ?", [(key,) for key in keys])

    def show(self, experience: Experience, query: Query) -> str:
        """The lines with a pattern and those next to them; `--` stands where lines were left out."""
        lines = experience.text.splitlines()
        wanted = patterns(query)
        hits = [number for number, line in enumerate(lines) if any(pattern in line.lower() for pattern in wanted)]
        near = {number + step for number in hits for step in range(-CONTEXT, CONTEXT + 1)} & set(range(len(lines)))
        shown: list[str] = []
        for number in sorted(near):
            if shown and number - 1 not in near:
                shown.append("--")
            shown.append(around(lines[number], wanted))
        return "\n".join(shown)[:SHOWN]


def patterns(query: Query) -> list[str]:
    return telling_words(f"{query.text} {query.context}")[:PATTERNS]


def around(line: str, wanted: Sequence[str]) -> str:
    """A line; of a very long one the part where its first pattern stands."""
    places = [place for pattern in wanted if (place := line.lower().find(pattern)) >= 0]
    start = max(0, min(places, default=0) - LINE // 4) if len(line) > LINE else 0
    return line[start : start + LINE]
