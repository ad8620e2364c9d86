"""MemoryService: what the tools do. Retrieve, update, feedback, forget."""

import asyncio
import functools
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from alma_mcp.access import USER_SCOPE, Place, Principal
from alma_mcp.ballast import Ballast
from alma_mcp.contract import Experience, Query, Retrieval, Signal, Step
from alma_mcp.design_store import SHORT
from alma_mcp.errors import BadRequest, DesignError, HomeUnusable, HostError, WorkerDied
from alma_mcp.lexical_fallback import newest_by_words
from alma_mcp.logs.curation import Curation
from alma_mcp.logs.experience_log import Event, EventKind, ExperienceLog
from alma_mcp.logs.question_log import Question, QuestionLog
from alma_mcp.logs.recordings import Recordings
from alma_mcp.pace import Pace
from alma_mcp.projections.projections import Projections
from alma_mcp.recall import Answer, merged, within
from alma_mcp.redaction import Redactor
from alma_mcp.serving.answered import Answered, answered_by_live
from alma_mcp.serving.canary import Canary
from alma_mcp.serving.serving import Serving
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
class _OfScope:
    """What one scope gave; `failed` where the design did not answer and plain word matches stand in."""

    retrieval: Retrieval
    note: str
    failed: bool = False


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
        pace: Pace | None = None,
        timer: Callable[[], float] = time.perf_counter,
        canary: Canary | None = None,
        curation: Curation | None = None,
    ) -> None:
        self._curation = curation or Curation(log, clock)
        self._canary = canary
        self._pace = pace or Pace()
        self._timer = timer
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
            kept = stored and stored[0].position == position
            return (str(stored[0].body["id"]) if kept else experience.id), False
        return experience.id, True

    async def retrieve(self, who: Principal, query: Query, max_tokens: int, *, noted: bool = True) -> Answer:
        """The memories that help, from every scope this session may read, within a token budget.

        A person who looks what an assistant would be given is not `noted`: neither as a question, nor by the canary.
        """
        _check_text("query", query.text, required=True)
        _check_text("context", query.context)
        scopes = [scope for scope in who.readable if self._log.head(scope)]
        if not scopes:
            return Answer(notes=("Nothing is stored for this project or user yet.",))
        query = replace(query, time=self._clock())
        position = max(map(self._log.head, scopes))
        ask = functools.partial(self._asked, who, scopes, query)
        canary = self._canary if noted else None
        started = self._timer()
        answered = await (canary.answered(ask) if canary else answered_by_live(self._serving, ask))
        items = await merged(self._log, scopes, answered.retrievals, query.limit)
        shown = within(items, max_tokens)
        returned = tuple(item.id for item in shown)
        if canary:
            canary.showed(answered, returned)
        if noted:
            self._questions.note(
                Question(
                    at=query.time,
                    position=position,
                    scopes=tuple(scopes),
                    text=query.text,
                    context=query.context,
                    limit=query.limit,
                    returned=returned,
                    seconds=self._timer() - started,
                    design=answered.design[:SHORT],
                    failed=answered.failed,
                )
            )
        return Answer(shown, answered.notes)

    async def feedback(self, who: Principal, ids: Sequence[str], signal: Signal, key: str = "") -> int:
        """Say that these memories helped or did harm. Gives how many are known."""
        known = await self._about(who, ids, "feedback", {"signal": signal}, key)
        if self._canary:
            await self._canary.heard(known, signal)
        return len(known)

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
        self._curation.forgotten(known)
        return len(known)

    async def erase_due(self) -> int:
        """Forget for good what a person no longer can take back. Gives how many. Raises what `forget` does."""
        count = 0
        async with self._curation.erasing() as due:
            for scope, ids in due.items():
                count += await self.forget(Principal("", "" if scope == USER_SCOPE else scope), ids)
        return count

    async def memory(self, who: Principal, memory_id: str) -> Event | None:
        """One stored experience, if this session may read it and it is not withheld."""
        if self._curation.of(memory_id).withheld:
            return None
        return (await self._log.experiences(who.readable, [memory_id])).get(memory_id)

    def end_session(self, session: str) -> None:
        """Forget which writes this session should read."""
        self._written_by.pop(session, None)

    async def _asked(self, who: Principal, scopes: Sequence[str], query: Query, projections: Projections) -> Answered:
        """What one design answers in all of these scopes, less what is withheld; others take its place."""
        roomy = replace(query, limit=query.limit + self._curation.spare)
        parts = await asyncio.gather(*(self._ask(projections, who, scope, roomy) for scope in scopes))
        notes = dict.fromkeys(each.note for each in parts if each.note)
        retrievals = tuple(self._curation.heeded(each.retrieval, query.limit) for each in parts)
        return Answered(projections.design.id, retrievals, tuple(notes), failed=any(each.failed for each in parts))

    async def _ask(self, projections: Projections, who: Principal, scope: str, query: Query) -> _OfScope:
        try:
            try:
                return await self._of_design(projections, who, scope, query)
            except WorkerDied:  # somebody else may have ended it
                return await self._of_design(projections, who, scope, query)
        except (DesignError, HostError) as error:
            events = await self._log.latest(scope, 300)
            note = (
                f"The memory design is not answering ({error}); these are plain word matches among the newest memories."
            )
            return _OfScope(newest_by_words(events, query), note, failed=True)

    async def _of_design(self, projections: Projections, who: Principal, scope: str, query: Query) -> _OfScope:
        behind = await self._caught_up(projections, scope, self._written_by.get(who.session, {}).get(scope, 0))
        with self._pace.answering():
            retrieval = await projections.of(scope).retrieve(query)
        note = f"About {behind:,} memories are still being taken in." if behind else ""
        return _OfScope(retrieval, "; ".join(part for part in (retrieval.note, note) if part))

    async def _caught_up(self, projections: Projections, scope: str, needed: int) -> int:
        """Wait a little until the session's own writes are in; gives how many events are missing, if they matter."""
        projection = projections.of(scope)
        if not projection.running:
            await projection.start()
        head = self._log.head(scope)
        if projection.position < head:
            task = self._serving.follow(scope, projections)
            if projection.position < needed or projection.position == 0:
                with self._pace.awaiting():
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
