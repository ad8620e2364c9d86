"""Puts the engine's parts together from a home and its settings. Nothing else knows them all."""

import asyncio
import contextlib
import functools
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

from alma_mcp.approval.enrolment_notice import notices
from alma_mcp.approval.ledger_control import ledger_handlers
from alma_mcp.approval.rules import ApprovalRules
from alma_mcp.ballast import Ballast
from alma_mcp.config import Settings
from alma_mcp.contract import Unavailable
from alma_mcp.control import Handler
from alma_mcp.design_store import BUNDLED, Design, DesignStore, bundled_designs
from alma_mcp.embedders import Embedder
from alma_mcp.embedders.none import NoEmbedder
from alma_mcp.embedders.warm import WarmEmbedder
from alma_mcp.embedding import make_embedder
from alma_mcp.errors import AlmaError, BadRequest, StoreError
from alma_mcp.home import Home
from alma_mcp.hosts import Asks, Host
from alma_mcp.hosts.choose import choose_host
from alma_mcp.ledger.champion_ledger import ChampionLedger
from alma_mcp.logs.curation import Curation
from alma_mcp.logs.experience_log import ExperienceLog
from alma_mcp.logs.question_log import QuestionLog
from alma_mcp.logs.recordings import Recordings
from alma_mcp.pace import Pace
from alma_mcp.projections.generation import Generation
from alma_mcp.projections.generations import Generations
from alma_mcp.projections.projection import Limits
from alma_mcp.projections.projections import Projections
from alma_mcp.redaction import Redactor
from alma_mcp.rehearsals.rehearsals import Rehearsals
from alma_mcp.rehearsals.rehearsing import Rehearsing
from alma_mcp.review.texts import ReviewTexts
from alma_mcp.service import MemoryService
from alma_mcp.serving.canary import Canary, Extent
from alma_mcp.serving.composition import make_serving
from alma_mcp.serving.serving import Serving
from alma_mcp.serving.succession import Succession
from alma_mcp.toolkit import Completer, HostToolkit, OpenAICompleter
from alma_mcp.vector_cache import VectorCache

API_KEY_VARIABLE = "ALMA_MCP_API_KEY"
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 300.0
CHECK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What the engine serves with."""

    log: ExperienceLog
    ledger: ChampionLedger
    store: DesignStore
    serving: Serving
    service: MemoryService
    questions: QuestionLog
    host: Host
    embedder: Embedder
    generations: Generations
    ledger_handlers: Mapping[str, Handler]
    rules: ApprovalRules
    succession: Succession
    canary: Canary
    rehearsals: Rehearsals
    curation: Curation

    @property
    def sandbox(self) -> str:
        return self.host.name

    def embedder_state(self) -> str:
        generation = self.serving.live.generation
        if generation is None or not self.generations.outdated(generation):
            return self.embedder.state
        old = self.generations.embedder_of(generation)
        with_what = f"with {old.name}, which they were built with" if old.dimension else "by words"
        return f"{self.embedder.state}; until the memories are rebuilt with it they answer {with_what}"

    async def keep_embedding(self) -> None:
        """Load the embedding model, build with it what was built with another, and embed what waits for it.

        Again and again while that fails; the engine answers meanwhile, and `status` tells how far it is.
        """
        pause = FIRST_PAUSE_SECONDS
        while True:
            done = False
            with contextlib.suppress(Unavailable, AlmaError):
                try:
                    await self.embedder.load()
                finally:
                    await self.serving.reconcile()
                done = await self.serving.fill()
            pause = FIRST_PAUSE_SECONDS if done else min(2 * pause, LONGEST_PAUSE_SECONDS)
            await asyncio.sleep(CHECK_SECONDS if done else pause)

    def warnings(self) -> list[str]:
        """What is not as it should be, a sentence each."""
        found = []
        if not self.host.contained:
            found.append("no sandbox here: only bundled designs are run; install bubblewrap or Docker.")
        found += self.rules.standing().void
        if self.ledger.broken:
            found.append(f"the ledger of champions is damaged: {self.ledger.broken}")
        if self.questions.problem:
            found.append(f"questions are not being kept: {self.questions.problem}")
        if self.canary.problem:
            found.append(self.canary.problem)
        return found + notices(self.ledger.enrolled_keys(), time.time())

    def canary_told(self) -> str:
        """How the newest promotion is doing, or why it was rolled back."""
        return self.succession.last_rollback() or self.canary.told()

    def card(self) -> str:
        """The card of the live design, in Markdown; empty where it is not a bundled one."""
        design = self.serving.live.design
        card = BUNDLED / design.name / "card.md"
        return card.read_text(encoding="utf-8") if self.store.is_bundled(design) and card.is_file() else ""

    def champion_card(self) -> str:
        """What the live design is, in its card's words where it has one, and its code."""
        design = self.serving.live.design
        return f"{self.card()}\nDesign {design.name}, id {design.id}\n\n```python\n{design.source}```\n"


@contextlib.asynccontextmanager
async def compose(home: Home, settings: Settings) -> AsyncIterator[Parts]:
    """Open everything, and close it in the opposite order. Raises `AlmaError`s."""
    async with contextlib.AsyncExitStack() as stack:
        store = DesignStore(home.designs)
        log = await ExperienceLog.open(home.experiences)
        stack.push_async_callback(log.close)
        ledger = await ChampionLedger.open(home.ledger, _first_champion(settings), store.holds_bundled)
        stack.push_async_callback(ledger.close)
        recordings = await Recordings.open(home.recordings)
        stack.push_async_callback(recordings.close)
        ballast = Ballast(home.ballast)
        ballast.load()
        cache = await VectorCache.open(home.embeddings)
        stack.push_async_callback(cache.close)
        await cache.heed(log)
        pace = Pace()
        embedder = _embedder(settings, home, settings.embedder)
        if isinstance(embedder, WarmEmbedder):
            embedder.give_way(pace)
        older = functools.partial(_older, settings, home)
        generations = Generations(home.projections, settings.embedder, embedder, older)
        host = await choose_host(store, settings.host)
        stack.push_async_callback(host.close)
        asks = _asks(generations, _completer(settings), recordings, cache, settings)
        limits = Limits(retrieve_seconds=settings.retrieve_seconds)

        def projections(design: Design) -> Projections:
            generation = generations.of(design)
            ask = functools.partial(asks, generation)
            outdated = functools.partial(generations.outdated, generation)
            folder = home.projections
            return Projections(design, log, host, ask, folder, settings.workers, limits, generation, outdated, pace)

        async def prepare(design: Design) -> None:
            await rehearsals.end(design.id)

        def changed() -> None:
            serving.ledger_changed()
            rehearsals.changed()

        def how_far(request: int) -> tuple[int, int] | None:
            return rehearsals.events_of(request)

        rules = ApprovalRules(ledger, store, home.dossiers, settings.approval, how_far)
        succession = Succession(ledger, store, home.dossiers, time.time)
        extent = Extent(settings.canary_share, settings.canary_questions)
        serving, canary = make_serving(log, succession, projections, home, extent, prepare, changed)
        stack.push_async_callback(serving.close)
        stack.push_async_callback(canary.close)
        redactor = Redactor.of_home(home.redaction_key)
        questions = QuestionLog.open(home.questions, redactor, settings.keep_questions)
        stack.push_async_callback(questions.close)
        curation = await Curation.open(log)
        service = MemoryService(
            log, redactor, serving, ballast, recordings, questions, vectors=cache, canary=canary, pace=pace,
            curation=curation,
        )  # fmt: skip
        rehearsing = Rehearsing(log, questions, serving, projections, pace, curation.heeded)
        rehearsals = Rehearsals(ledger, store, rehearsing, succession.champion, home.projections, home.dossiers)
        stack.push_async_callback(rehearsals.close)
        handlers = ledger_handlers(rules, changed, ReviewTexts(questions, log).of)
        yield Parts(
            log, ledger, store, serving, service, questions, host, embedder, generations, handlers, rules, succession,
            canary, rehearsals, curation,
        )  # fmt: skip


def _first_champion(settings: Settings) -> Design:
    found = bundled_designs()
    if settings.first_champion not in found:
        raise StoreError(f"`first_champion` must be one of {', '.join(found)}, not {settings.first_champion!r}.")
    return found[settings.first_champion]


def _completer(settings: Settings) -> Completer | None:
    if settings.completion is None:
        return None
    key = os.environ.get(API_KEY_VARIABLE, "")
    return OpenAICompleter(settings.completion.model, settings.completion.base_url, key)


def _embedder(settings: Settings, home: Home, setting: str, *, offline: bool = False) -> Embedder:
    key = os.environ.get(API_KEY_VARIABLE, "")
    url, hub = settings.embedder_url, settings.model_hub
    return make_embedder(setting, base_url=url, key=key, hub=hub, models=home.models, offline=offline)


def _older(settings: Settings, home: Home, setting: str) -> Embedder:
    """An embedder that was chosen before, as far as it is on this machine: nothing is sent to one any more."""
    try:
        return _embedder(settings, home, setting, offline=True)
    except BadRequest as reason:
        return NoEmbedder(str(reason))


def _asks(
    generations: Generations,
    completer: Completer | None,
    recordings: Recordings,
    cache: VectorCache,
    settings: Settings,
) -> Callable[[Generation, Design, str], Asks]:
    calls = settings.completion.calls_per_memory if settings.completion else 0

    def make(generation: Generation, design: Design, scope: str) -> Asks:
        return HostToolkit(
            design.id,
            generations.embedder_of(generation),
            completer,
            recordings,
            scope=scope,
            calls=calls,
            vectors=cache,
            generation=generation,
        )

    return make
