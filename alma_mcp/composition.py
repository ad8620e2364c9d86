"""Puts the engine's parts together from a home and its settings. Nothing else knows them all."""

import contextlib
import os
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

from alma_mcp.ballast import Ballast
from alma_mcp.champion_ledger import ChampionLedger
from alma_mcp.config import Settings
from alma_mcp.contract import Unavailable
from alma_mcp.control import Handler
from alma_mcp.design_store import BUNDLED, Design, DesignStore, bundled_designs
from alma_mcp.embedding import Embedder, make_embedder
from alma_mcp.errors import StoreError
from alma_mcp.experience_log import ExperienceLog
from alma_mcp.home import Home
from alma_mcp.hosts import Asks, Host
from alma_mcp.hosts.choose import choose_host
from alma_mcp.ledger_control import ledger_handlers
from alma_mcp.projection import Limits
from alma_mcp.projections import Projections
from alma_mcp.recordings import Recordings
from alma_mcp.redaction import Redactor
from alma_mcp.service import MemoryService
from alma_mcp.serving import Serving
from alma_mcp.toolkit import Completer, HostToolkit, OpenAICompleter

API_KEY_VARIABLE = "ALMA_MCP_API_KEY"


@dataclass(frozen=True, slots=True)
class Parts:
    """What the engine serves with."""

    log: ExperienceLog
    ledger: ChampionLedger
    store: DesignStore
    serving: Serving
    service: MemoryService
    host: Host
    embedder: Embedder | None
    ledger_handlers: Mapping[str, Handler]

    @property
    def sandbox(self) -> str:
        return self.host.name

    def embedder_state(self) -> str:
        return self.embedder.state if self.embedder else "none; memory works lexically"

    async def warm_up(self) -> None:
        """Load the embedding model; the engine answers meanwhile, and after a failure, which `status` tells."""
        if self.embedder:
            with contextlib.suppress(Unavailable):
                await self.embedder.load()

    def warnings(self) -> list[str]:
        """What is not as it should be, a sentence each."""
        found = []
        if not self.host.contained:
            found.append("no sandbox here: only bundled designs are run; install bubblewrap or Docker.")
        if self.serving.live.design.id != self.ledger.champion() and self.serving.swap is None:
            found.append(f"the champion {self.ledger.champion()[:12]} cannot be read; the one before it serves.")
        if self.ledger.broken:
            found.append(f"the ledger of champions is damaged: {self.ledger.broken}")
        return found

    def champion_card(self) -> str:
        """What the live design is, in its card's words where it is a bundled one."""
        design = self.serving.live.design
        card = BUNDLED / design.name / "card.md"
        text = card.read_text(encoding="utf-8") if self.store.is_bundled(design) and card.is_file() else ""
        return f"{text}\nDesign {design.name}, id {design.id}\n\n```python\n{design.source}```\n"


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
        embedder = make_embedder(settings.embedder)
        host = await choose_host(store, settings.host)
        stack.push_async_callback(host.close)
        asks = _asks(embedder, _completer(settings), recordings, settings)
        limits = Limits(retrieve_seconds=settings.retrieve_seconds)

        def projections(design: Design) -> Projections:
            return Projections(design, log, host, asks, home.projections, settings.workers, limits)

        serving = Serving(log, lambda: _champion(ledger, store), projections)
        stack.push_async_callback(serving.close)
        service = MemoryService(log, Redactor.of_home(home.redaction_key), serving, ballast, recordings)
        handlers = ledger_handlers(ledger, store, home.dossiers, serving.ledger_changed)
        yield Parts(log, ledger, store, serving, service, host, embedder, handlers)


def _first_champion(settings: Settings) -> Design:
    found = bundled_designs()
    if settings.first_champion not in found:
        raise StoreError(f"`first_champion` must be one of {', '.join(found)}, not {settings.first_champion!r}.")
    return found[settings.first_champion]


def _champion(ledger: ChampionLedger, store: DesignStore) -> Design:
    """The design that the ledger names; where its file is gone or was changed, the champion before it."""
    problems: list[StoreError] = []
    for design_id, name in ledger.champions():
        try:
            return store.get(design_id, name)
        except StoreError as error:
            problems.append(error)
    raise problems[0]


def _completer(settings: Settings) -> Completer | None:
    if settings.completion is None:
        return None
    key = os.environ.get(API_KEY_VARIABLE, "")
    return OpenAICompleter(settings.completion.model, settings.completion.base_url, key)


def _asks(
    embedder: Embedder | None, completer: Completer | None, recordings: Recordings, settings: Settings
) -> Callable[[Design, str], Asks]:
    calls = settings.completion.calls_per_memory if settings.completion else 0

    def make(design: Design, scope: str) -> Asks:
        return HostToolkit(design.id, embedder, completer, recordings, scope=scope, calls=calls)

    return make
