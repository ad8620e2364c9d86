"""MemoryService: what the tools do. Retrieve, update, feedback, forget."""

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from alma_mcp.access import Place, Principal
from alma_mcp.ballast import Ballast
from alma_mcp.contract import Experience, Query, Retrieval, Signal, Step
from alma_mcp.errors import BadRequest, DesignError, HomeUnusable, HostError
from alma_mcp.experience_log import Event, EventKind, ExperienceLog
from alma_mcp.lexical_fallback import newest_by_words
from alma_mcp.projections import Projections
from alma_mcp.question_log import Question, QuestionLog
from alma_mcp.recordings import Recordings
from alma_mcp.redaction import Redactor
from alma_mcp.serving import Serving
from alma_mcp.token_budget import fitting
from alma_mcp.vector_cache import VectorCache

LONGEST_TEXT = 200_000
PATIENCE_SECONDS = 1.5
MOST_IDS = 1000
UNREMARKABLE = 64


@dataclass(frozen=True, slots=True)
class Draft:
    """What a client wants remembered."""

    text: str
    task: str = ""
    outcome: str = ""
    kind: str = "note"
    reward: float | None = None
    place: Place = "project"
    source: str = "assistant"


@dataclass(frozen=True, slots=True)
class Recalled:
    """One item of an answer with where it came from. `id` is the experience it rests on first."""

    id: str
    text: str
    score: float
    reasons: tuple[str, ...]
    origin: Event


@dataclass(frozen=True, slots=True)
class Answer:
    items: tuple[Recalled, ...] = ()
    notes: tuple[str, ...] = ()


class MemoryService:
    """The one face of the memory: everything a tool does, for a principal who may do it."""

    def __init__(
        self,
        log: ExperienceLog,
        redactor: Redactor,
        serving: Serving,
        ballast: Ballast,
        recordings: Recordings,
        questions: QuestionLog,
        clock: Callable[[], float] = time.time,
        vectors: VectorCache | None = None,
    ) -> None:
        self._vectors = vectors
        self._ballast = ballast
        self._recordings = recordings
        self._questions = questions
        self._clock = clock
        self._log = log
        self._redactor = redactor
        self._serving = serving
        self._written_by: dict[str, dict[str, int]] = {}

    async def update(self, who: Principal, draft: Draft, key: str = "") -> tuple[str, bool]:
        """Store an experience; when this returns it is on the disk. Gives its id and whether it is new.

        The same non-empty `key` stores once. Raises `BadRequest` or `StoreError`; nothing is stored then.
        """
        _check_text("text", draft.text, required=True)
        _check_text("task", draft.task)
        _check_text("outcome", draft.outcome)
        scope = who.writable(draft.place)
        now = self._clock()
        experience = Experience(
            id="m" + (secrets.token_hex(8)),
            kind=draft.kind,
            task=self._redactor.redact(draft.task),
            steps=(Step(draft.source, self._redactor.redact(draft.text)),),
            outcome=self._redactor.redact(draft.outcome),
            reward=draft.reward,
            scope=scope,
            agent=who.agent,
            session=who.session,
            source=draft.source,
            time=now,
        )
        position, new = await self._log.append(scope, "experience", experience.to_json(), now, key)
        self._written(who, scope, position)
        if not new:
            stored = await self._log.read(scope, position - 1, 1)
            return (str(stored[0].body["id"]) if stored else experience.id), False
        return experience.id, True

    async def retrieve(self, who: Principal, query: Query, max_tokens: int) -> Answer:
        """The memories that help, from every scope this session may read, within a token budget."""
        _check_text("query", query.text, required=True)
        _check_text("context", query.context)
        scopes = [scope for scope in who.readable if self._log.head(scope)]
        if not scopes:
            return Answer(notes=("Nothing is stored for this project or user yet.",))
        query = replace(query, time=self._clock())
        position = max(map(self._log.head, scopes))
        answers = await asyncio.gather(*(self._ask(who, scope, query) for scope in scopes))
        notes = dict.fromkeys(note for _, note in answers if note)
        ranked = sorted((item for retrieval, _ in answers for item in retrieval.items), key=lambda item: -item.score)
        ids = {experience for item in ranked for experience in item.experiences}
        known = await self._log.experiences(scopes, sorted(ids))
        allowed = [item for item in ranked if item.experiences and all(each in known for each in item.experiences)]
        items = [
            Recalled(item.experiences[0], item.text, item.score, item.reasons, known[item.experiences[0]])
            for item in allowed[: query.limit]
        ]
        texts = fitting([item.text for item in items], max_tokens)
        shown = tuple(replace(item, text=text) for item, text in zip(items, texts, strict=False))
        returned = tuple(item.id for item in shown)
        self._questions.note(
            Question(query.time, position, tuple(scopes), query.text, query.context, query.limit, returned)
        )
        return Answer(shown, tuple(notes))

    async def feedback(self, who: Principal, ids: Sequence[str], signal: Signal, key: str = "") -> int:
        """Say that these memories helped or did harm. Gives how many are known."""
        return len(await self._about(who, ids, "feedback", {"signal": signal}, key))

    async def forget(self, who: Principal, ids: Sequence[str], key: str = "") -> int:
        """Erase these memories for good: from the log, from every projection, and with them what models said of them
        and the questions that brought them back.

        Gives how many.
        """
        try:
            known = await self._about(who, ids, "forgetting", {}, key)
        except HomeUnusable:
            if not self._ballast.drop():
                raise
            known = await self._about(who, ids, "forgetting", {}, key)
        for scope in who.readable:
            await self._recordings.drop(scope)
        if self._vectors:
            await self._vectors.heed(self._log)
        await self._questions.drop(known)
        return len(known)

    async def memory(self, who: Principal, memory_id: str) -> Event | None:
        """One stored experience, if this session may read it."""
        return (await self._log.experiences(who.readable, [memory_id])).get(memory_id)

    def end_session(self, session: str) -> None:
        """Forget which writes this session should read."""
        self._written_by.pop(session, None)

    async def _ask(self, who: Principal, scope: str, query: Query) -> tuple[Retrieval, str]:
        live = self._serving.live
        try:
            behind = await self._caught_up(live, scope, self._written_by.get(who.session, {}).get(scope, 0))
            retrieval = await live.of(scope).retrieve(query)
        except (DesignError, HostError) as error:
            if live is not self._serving.live:
                return await self._ask(who, scope, query)
            events = await self._log.latest(scope, 300)
            note = (
                f"The memory design is not answering ({error}); these are plain word matches among the newest memories."
            )
            return newest_by_words(events, query), note
        note = f"About {behind:,} memories are still being taken in." if behind else ""
        return retrieval, "; ".join(part for part in (retrieval.note, note) if part)

    async def _caught_up(self, projections: Projections, scope: str, needed: int) -> int:
        """Wait a little until the session's own writes are in; gives how many events are missing, if they matter."""
        projection = projections.of(scope)
        if not projection.running:
            await projection.start()
        head = self._log.head(scope)
        if projection.position < head:
            task = self._serving.follow(scope, projections)
            if projection.position < needed or projection.position == 0:
                await asyncio.wait({task}, timeout=PATIENCE_SECONDS)
        behind = max(0, head - projection.position)
        return behind if projection.position < needed or behind > UNREMARKABLE else 0

    def _written(self, who: Principal, scope: str, position: int) -> None:
        self._written_by.setdefault(who.session, {})[scope] = position
        self._serving.appended(scope)

    async def _about(
        self, who: Principal, ids: Sequence[str], kind: EventKind, more: dict[str, str], key: str
    ) -> list[str]:
        if not 1 <= len(ids) <= MOST_IDS:
            raise BadRequest(f"Name 1 to {MOST_IDS:,} memories by their ids, as `retrieve` shows them.")
        known = await self._log.experiences(who.readable, ids)
        unknown = [each for each in ids if each not in known]
        if unknown and not known:
            raise BadRequest(f"No memory of this project or user has the id {unknown[0]!r}; `retrieve` shows the ids.")
        for scope in who.readable:
            mine = [each for each, event in known.items() if event.scope == scope]
            if mine:
                body = {"experiences": mine, **more}
                position, _ = await self._log.append(scope, kind, body, self._clock(), key and f"{key}:{scope}")
                self._written(who, scope, position)
        return list(known)


def _check_text(name: str, text: str, *, required: bool = False) -> None:
    if required and not text.strip():
        raise BadRequest(f"`{name}` is empty; say in words what it is about.")
    if len(text) > LONGEST_TEXT:
        raise BadRequest(
            f"`{name}` has {len(text):,} characters; at most {LONGEST_TEXT:,} are taken."
            " Nothing was stored: shorten or split it."
        )
