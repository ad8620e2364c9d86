"""The baseline of the ALMA paper: whole trajectories of the tasks most like the one at hand."""

from collections.abc import Sequence

from alma_mcp.contract import Experience, Query, RankedMemory, Unavailable, telling_words, words

TASK_CHARACTERS = 400
BATCH = 256


class TrajectoryRetrieval(RankedMemory):
    name = "trajectory_retrieval"
    idea = "Embed each task; return the whole trajectories of the tasks nearest to the query."
    weights = {"tasks": 1.0}

    def create_tasks(self) -> None:
        self.toolkit.db.execute(
            "CREATE TABLE IF NOT EXISTS tasks"
            " (key INTEGER PRIMARY KEY, task TEXT NOT NULL, embedded INTEGER NOT NULL DEFAULT 0)"
        )
        self.toolkit.db.execute("CREATE INDEX IF NOT EXISTS tasks_waiting ON tasks (key) WHERE NOT embedded")

    async def store_tasks(self, rows: Sequence[tuple[int, Experience]]) -> None:
        tasks = [(key, task_of(experience)) for key, experience in rows]
        self.toolkit.db.executemany("INSERT INTO tasks (key, task) VALUES (?, ?)", tasks)
        await self._embed_waiting()

    async def rank_tasks(self, query: Query, found: Sequence[int]) -> list[int]:
        """Nearest first; by shared words what could not be embedded, or all where the query cannot."""
        try:
            (vector,) = await self.toolkit.embed([query.text])
        except Unavailable:
            return self._by_words(query, "SELECT key, task FROM tasks")
        nearest = [key for key, _ in self.toolkit.vectors("tasks").search(vector, self.depth)]
        return nearest + self._by_words(query, "SELECT key, task FROM tasks WHERE NOT embedded")

    def forget_tasks(self, keys: Sequence[int]) -> None:
        self.toolkit.vectors("tasks").remove(keys)
        self.toolkit.db.executemany("DELETE FROM tasks WHERE key = ?", [(key,) for key in keys])

    async def consolidate(self) -> None:
        await self._embed_waiting()

    def show(self, experience: Experience, query: Query) -> str:
        return experience.text

    async def _embed_waiting(self) -> None:
        sql = "SELECT key, task FROM tasks WHERE NOT embedded ORDER BY key LIMIT ?"
        while waiting := self.toolkit.db.execute(sql, (BATCH,)).fetchall():
            try:
                vectors = await self.toolkit.embed([task for _, task in waiting])
            except Unavailable:
                return
            keys = [(key,) for key, _ in waiting]
            self.toolkit.vectors("tasks").add([key for (key,) in keys], vectors)
            self.toolkit.db.executemany("UPDATE tasks SET embedded = 1 WHERE key = ?", keys)

    def _by_words(self, query: Query, tasks: str) -> list[int]:
        wanted = set(telling_words(query.text))
        shared = [(len(wanted & set(words(task))), key) for key, task in self.toolkit.db.execute(tasks)]
        return [key for count, key in sorted(shared, key=lambda each: (-each[0], each[1])) if count][: self.depth]


def task_of(experience: Experience) -> str:
    """The task of an experience, or where there is none its first words."""
    return (experience.task.strip() or experience.text)[:TASK_CHARACTERS]
