"""The contract, version 1: all that a memory design sees.

Standard library only. This file is mounted, alone, into every sandbox; a design
imports it as `alma_mcp.contract` and nothing else of ours. Because the bytes that a
person approves are the bytes of the design alone, what stands here is frozen within a
contract version: `tests/contract` holds a snapshot of its public face.

A design is one file with one subclass of `Memory` (or of `RankedMemory`, whose
mechanisms can also be recombined without a model).
"""

import json
import random
import re
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol, Self

CONTRACT_VERSION = 1

Signal = Literal["helpful", "harmful"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a trajectory: who did or said it, and what.

    `actor` is a role (`user`, `assistant`, `tool`, `environment`) or a speaker's name.
    """

    actor: str
    text: str


@dataclass(frozen=True, slots=True)
class Experience:
    """One thing that happened.

    `time` is seconds since the epoch, UTC. `reward` is in [0, 1] or unknown (`None`).
    `trust` is in [0, 1]: 1.0 for what the host observed itself.
    """

    id: str
    kind: str = "note"
    task: str = ""
    steps: tuple[Step, ...] = ()
    outcome: str = ""
    reward: float | None = None
    scope: str = ""
    agent: str = ""
    session: str = ""
    source: str = ""
    trust: float = 0.5
    time: float = 0.0

    @property
    def text(self) -> str:
        """Task, steps and outcome as one text, a line each."""
        lines = [self.task, *(f"{step.actor}: {step.text}" for step in self.steps), self.outcome]
        return "\n".join(line for line in lines if line)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        steps = tuple(Step(step["actor"], step["text"]) for step in data.get("steps", ()))
        return cls(**{**data, "steps": steps})


@dataclass(frozen=True, slots=True)
class Query:
    """What is known before a task. `limit` counts items; `time` is when it is asked."""

    text: str
    context: str = ""
    limit: int = 10
    time: float = 0.0


@dataclass(frozen=True, slots=True)
class MemoryItem:
    """One remembered thing: its text, its score, why it came, what it rests on."""

    text: str
    score: float
    experiences: tuple[str, ...]
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Ranked items, best first, and a note where something could not be done."""

    items: tuple[MemoryItem, ...] = ()
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        items = tuple(
            MemoryItem(
                text=str(item["text"]),
                score=float(item["score"]),
                experiences=tuple(str(each) for each in item["experiences"]),
                reasons=tuple(str(each) for each in item.get("reasons", ())),
            )
            for item in data["items"]
        )
        return cls(items, str(data.get("note", "")))


class Unavailable(Exception):
    """The toolkit cannot do this here and now: no embedder, no model, budget spent.

    A design catches it and goes on with what it has.
    """


class Vectors(Protocol):
    """A vector index that lives in the design's database. Cosine similarity."""

    def add(self, keys: Sequence[int], vectors: Any) -> None:
        """Store float vectors, shape (len(keys), dimension); an existing key is replaced."""

    def remove(self, keys: Sequence[int]) -> None: ...

    def search(self, vector: Any, count: int) -> list[tuple[int, float]]:
        """The `count` nearest keys with their cosine similarity, best first."""


@dataclass(slots=True)
class Budget:
    """What a design may still spend on model calls in this memory."""

    calls: int = 0
    characters: int = 0


class Toolkit(Protocol):
    """What a design is given. State kept in `db` is durable and is committed together
    with the log position, so an experience is applied exactly once.
    """

    @property
    def db(self) -> sqlite3.Connection:
        """A private SQLite database with FTS5; read-only while `retrieve` runs."""

    @property
    def now(self) -> float:
        """The time of the experience or query at hand, never the wall clock."""

    @property
    def random(self) -> random.Random:
        """Seeded by design and log position."""

    @property
    def budget(self) -> Budget: ...

    def vectors(self, name: str) -> Vectors: ...

    async def embed(self, texts: Sequence[str]) -> Any:
        """float32 unit vectors, shape (len(texts), dimension). Raises `Unavailable`."""

    async def complete(self, prompt: str, schema: Mapping[str, Any] | None = None) -> str:
        """A model's answer; recorded, so a replay costs nothing. Raises `Unavailable`."""


class Memory:
    """Base of every design. Override `update` and `retrieve`; the rest has defaults.

    `state_in_python` says that the state does not live in `toolkit.db`: the host then
    rebuilds it by replaying the log.
    """

    name = "unnamed"
    idea = ""
    contract = CONTRACT_VERSION
    needs_complete = False
    state_in_python = False

    def __init__(self, toolkit: Toolkit) -> None:
        self.toolkit = toolkit

    async def update(self, experience: Experience) -> None:
        """Take in one experience."""

    async def update_many(self, experiences: Sequence[Experience]) -> None:
        """Take in several, oldest first; override it where a batch is cheaper."""
        for experience in experiences:
            await self.update(experience)

    async def retrieve(self, query: Query) -> Retrieval:
        """The items that help with the task at hand, best first. Read-only."""
        return Retrieval()

    async def consolidate(self) -> None:
        """The sleep: merge, compress, archive."""

    async def feedback(self, experiences: Sequence[str], signal: Signal) -> None:
        """The items that rest on these experiences helped, or did harm."""

    async def forget(self, experiences: Sequence[str]) -> None:
        """Drop whatever rests on these experiences."""


IDEOGRAPHS = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
WORD = re.compile(rf"[{IDEOGRAPHS}]|[^\W\d_{IDEOGRAPHS}]+|\d+")
STOP_WORDS = frozenset(
    "a about after all also am an and any are as at be because been before being but by can could"
    " did do does doing for from had has have having he her here hers him his how i if in into is it"
    " its just me more most my no nor not of on once only or other our out over own s same she should"
    " so some such t than that the their them then there these they this those through to too under"
    " until up very was we were what when where which while who whom why will with would you your".split()
)


def words(text: str) -> list[str]:
    """Lower-case words and numbers of a text, identifiers split (`fooBar` gives foo, bar),
    Chinese and Japanese by the character."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)
    return [word.lower() for word in WORD.findall(split)]


def telling_words(text: str) -> list[str]:
    """The distinct words of a text without stop words, in order; all words if none is left."""
    found = dict.fromkeys(words(text))
    return [word for word in found if word not in STOP_WORDS] or list(found)


def passages(text: str, characters: int = 400) -> list[str]:
    """A text in pieces of at most `characters` (2 or more), cut at white space where there is any."""
    whole = rf"\S(?:.{{0,{characters - 2}}}\S)?(?!\S)"
    return re.findall(rf"{whole}|\S{{{characters}}}", text, re.DOTALL)


def excerpt(experience: Experience, query: str, characters: int = 900) -> str:
    """The passages of an experience that share most words with the query, in their order,
    between the beginnings of its task and its outcome."""
    wanted = telling_words(query)[:24]
    parts = [part for step in experience.steps for part in passages(f"{step.actor}: {step.text}")]
    shared = [sum(word in lowered for word in wanted) for lowered in map(str.lower, parts)]
    task, outcome = experience.task[: characters // 3], experience.outcome[: characters // 3]
    room = characters - len(task) - len(outcome)
    chosen: set[int] = set()
    for index in sorted(range(len(parts)), key=lambda i: (-shared[i], i)):
        if chosen and len(parts[index]) > room:
            break
        chosen.add(index)
        room -= len(parts[index]) + 1
    lines = [task, *(parts[index] for index in sorted(chosen)), outcome]
    return "\n".join(line for line in lines if line)[:characters]


def relative(scores: Mapping[int, float]) -> dict[int, float]:
    """Scores as parts of the best one, in (0, 1]; keys whose score is not above 0 are left out."""
    best = max(scores.values(), default=0.0)
    return {key: score / best for key, score in scores.items() if score > 0}


class RankedMemory(Memory):
    """A memory made of mechanisms, each a ranker; what they give is weighted and summed.

    `weights` names the mechanisms. A mechanism `m` is up to four methods:
    `create_m(self)` makes its tables; `async store_m(self, rows)` takes
    `[(key, Experience), ...]`; `async rank_m(self, query, found)` ranks (`found` holds
    the keys that earlier mechanisms found); `forget_m(self, keys)`. Only `rank_m` is
    required. Mechanisms must not call one another.

    `rank_m` returns keys, best first, of which the first `depth` count by reciprocal rank
    (Cormack, Clarke and Buettcher, SIGIR 2009), or a mapping of keys to scores in [0, 1]
    (see `relative`), which count as they are. Of two equals the one stored later comes first.
    """

    weights: Mapping[str, float] = {}
    smoothing = 60
    depth = 50

    def __init__(self, toolkit: Toolkit) -> None:
        super().__init__(toolkit)
        toolkit.db.execute(
            "CREATE TABLE IF NOT EXISTS experiences"
            " (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, body TEXT NOT NULL,"
            " time REAL NOT NULL, reward REAL, helpful INTEGER NOT NULL DEFAULT 0)"
        )
        for mechanism in self.weights:
            if create := getattr(self, f"create_{mechanism}", None):
                create()

    async def update(self, experience: Experience) -> None:
        await self.update_many([experience])

    async def update_many(self, experiences: Sequence[Experience]) -> None:
        rows = []
        for experience in experiences:
            cursor = self.toolkit.db.execute(
                "INSERT INTO experiences (id, body, time, reward) VALUES (?, ?, ?, ?)",
                (experience.id, json.dumps(experience.to_json()), experience.time, experience.reward),
            )
            rows.append((cursor.lastrowid, experience))
        for mechanism in self.weights:
            if store := getattr(self, f"store_{mechanism}", None):
                await store(rows)

    async def retrieve(self, query: Query) -> Retrieval:
        scores: dict[int, float] = {}
        ranks: dict[str, dict[int, int]] = {}
        notes = []
        for mechanism, weight in self.weights.items():
            try:
                ranked = await getattr(self, f"rank_{mechanism}")(query, list(scores))
            except Unavailable as reason:
                notes.append(f"{mechanism} left out: {reason}")
                continue
            shares = self._shares(ranked)
            ranks[mechanism] = {key: rank for rank, (key, _) in enumerate(shares, start=1)}
            for key, share in shares:
                scores[key] = scores.get(key, 0.0) + weight * share
        best = sorted(scores, key=lambda key: (-scores[key], -key))[: query.limit]
        items = []
        for key in best:
            reasons = tuple(f"{mechanism} #{found[key]}" for mechanism, found in ranks.items() if key in found)
            if experience := self._experience(key):
                items.append(MemoryItem(self.show(experience, query), scores[key], (experience.id,), reasons))
        return Retrieval(tuple(items), "; ".join(notes))

    async def feedback(self, experiences: Sequence[str], signal: Signal) -> None:
        change = 1 if signal == "helpful" else -1
        rows = [(change, experience) for experience in experiences]
        self.toolkit.db.executemany("UPDATE experiences SET helpful = helpful + ? WHERE id = ?", rows)

    async def forget(self, experiences: Sequence[str]) -> None:
        sql = "SELECT key FROM experiences WHERE id IN (SELECT value FROM json_each(?))"
        keys = [key for (key,) in self.toolkit.db.execute(sql, (json.dumps(list(experiences)),))]
        for mechanism in self.weights:
            if forget := getattr(self, f"forget_{mechanism}", None):
                forget(keys)
        self.toolkit.db.executemany("DELETE FROM experiences WHERE key = ?", [(key,) for key in keys])

    def show(self, experience: Experience, query: Query) -> str:
        """The text of an item; override it to return more, or less."""
        return excerpt(experience, query.text)

    def _shares(self, ranked: Sequence[int] | Mapping[int, float]) -> list[tuple[int, float]]:
        """Keys and what part of the mechanism's weight each of them is given, best first."""
        if isinstance(ranked, Mapping):
            return sorted(ranked.items(), key=lambda each: -each[1])
        top = self.smoothing + 1
        return [(key, top / (top + place)) for place, key in enumerate(ranked[: self.depth])]

    def _experience(self, key: int) -> Experience | None:
        """None for one that was forgotten while a mechanism awaited something."""
        row = self.toolkit.db.execute("SELECT body FROM experiences WHERE key = ?", (key,)).fetchone()
        return Experience.from_json(json.loads(row[0])) if row else None
