"""The warm engine: one process per home that owns the database, the model and the workers.

It runs while it holds the home's lock, answers greetings on a Unix socket, hands over to a
newer version when asked to retire, and ends itself when nobody needs it.
"""

import asyncio
import contextlib
import json
import logging
import signal
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from alma_mcp import __version__
from alma_mcp.access import Principal, project_scope
from alma_mcp.approval.expired_requests import expire_requests
from alma_mcp.composition import Parts, compose
from alma_mcp.config import Settings
from alma_mcp.connection import LONGEST_LINE, serve_session
from alma_mcp.control import Handler, serve_control
from alma_mcp.errors import AlmaError, EngineError
from alma_mcp.home import Home, ProcessLock
from alma_mcp.http_server import serve_http
from alma_mcp.loopback import parse_address
from alma_mcp.presence import Presence
from alma_mcp.server import build_server
from alma_mcp.status import Status

if TYPE_CHECKING:
    from alma_mcp.dashboard.server import DashboardServer

GREETING_SECONDS = 5.0
TENDING_SECONDS = 5.0

log = logging.getLogger("alma_mcp.engine")


class Engine:
    """Serves one home until it is told to stop, or has been idle for long."""

    def __init__(self, home: Home, settings: Settings, parts: Parts) -> None:
        self._home = home
        self._settings = settings
        self._parts = parts
        self._presence = Presence(time.time)
        self._dashboard: DashboardServer | None = None
        self._server = self._build_server()
        self._sessions = 0
        self._idle_since = asyncio.get_running_loop().time()
        self._stop = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Accept connections until `stop`."""
        self._home.socket.unlink(missing_ok=True)
        listener = await asyncio.start_unix_server(self._accept, self._home.socket, limit=LONGEST_LINE)
        self._home.socket.chmod(0o600)
        log.info("engine %s serves %s", __version__, self._home.path)
        background = [asyncio.create_task(self._tend()), asyncio.create_task(self._parts.keep_embedding())]
        self._parts.rehearsals.changed()
        try:
            await self._stop.wait()
        finally:
            listener.close()
            self._home.socket.unlink(missing_ok=True)
            if self._dashboard:
                await self._dashboard.close()
            for task in (*background, *self._tasks):
                task.cancel()
            await asyncio.gather(*background, *self._tasks, return_exceptions=True)
            log.info("engine ends")

    def stop(self) -> None:
        self._stop.set()

    async def status(self) -> Status:
        parts = self._parts
        live = parts.serving.live
        return Status(
            home=str(self._home.path),
            champion=live.design.name,
            champion_id=live.design.id,
            sandbox=parts.sandbox,
            embedder=parts.embedder_state(),
            events=parts.log.counts(),
            workers=len(live.scopes),
            worker_megabytes=live.memory_bytes // 2**20,
            quarantined=live.quarantined,
            sessions=self._sessions,
            pending=len(parts.ledger.requests()),
            swap=parts.serving.swap,
            warnings=parts.warnings(),
            canary=parts.canary_told(),
            rehearsals=parts.rehearsals.told(),
        )

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._sessions += 1
        try:
            await self._greet(reader, writer)
        except (ConnectionError, ValueError, TimeoutError):
            log.info("a connection ended without a proper greeting")
        finally:
            self._sessions -= 1
            self._idle_since = asyncio.get_running_loop().time()
            self._tasks.discard(task)
            writer.close()

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        greeting = json.loads(await asyncio.wait_for(reader.readline(), GREETING_SECONDS))
        writer.write(json.dumps({"alma-mcp": __version__}).encode() + b"\n")
        await writer.drain()
        match greeting.get("role"):
            case "session":
                who = Principal(str(greeting["session"]), project_scope(str(greeting["folder"])))
                with self._presence.entered(who):
                    await serve_session(self._server, who, reader, writer)
                self._parts.service.end_session(who.session)
            case "control":
                async with contextlib.AsyncExitStack() as stack:
                    await serve_control(self._handlers(stack), reader, writer)

    def _handlers(self, stack: contextlib.AsyncExitStack) -> Mapping[str, Handler]:
        """What this control connection may ask; what `stack` holds lives as long as the connection."""

        async def status(_: Mapping[str, Any]) -> dict[str, Any]:
            report = await self.status()
            return {"text": str(report), **report.to_json()}

        async def champion(_: Mapping[str, Any]) -> dict[str, Any]:
            design = self._parts.serving.live.design
            return {"id": design.id, "name": design.name, "source": design.source}

        async def retire(_: Mapping[str, Any]) -> dict[str, Any]:
            asyncio.get_running_loop().call_soon(self.stop)
            return {}

        async def listen(params: Mapping[str, Any]) -> dict[str, Any]:
            host, port = parse_address(params["address"])
            who = Principal("", project_scope(params["folder"]))
            return {"url": await stack.enter_async_context(serve_http(self._build_server(), who, host, port))}

        async def dashboard(params: Mapping[str, Any]) -> dict[str, Any]:
            return asdict(await self._served_dashboard().open(params.get("port")))

        own = {
            "status": status,
            "champion": champion,
            "retire": retire,
            "http.listen": listen,
            "dashboard.open": dashboard,
        }
        return {**own, **self._parts.ledger_handlers}

    def _build_server(self) -> Any:
        async def status() -> str:
            return str(await self.status())

        async def champion() -> str:
            return self._parts.champion_card()

        return build_server(self._parts.service, status, champion, self._presence.called)

    def _served_dashboard(self) -> "DashboardServer":
        if self._dashboard is None:
            from alma_mcp.dashboard_composition import make_dashboard  # noqa: PLC0415 - who opens it waits for it

            self._dashboard = make_dashboard(self._home, self._parts, self.status, self._presence)
        return self._dashboard

    def _idle_seconds(self) -> float:
        idle = asyncio.get_running_loop().time() - self._idle_since
        return min(idle, self._dashboard.idle_seconds()) if self._dashboard else idle

    async def _erase_due(self) -> None:
        try:
            await self._parts.service.erase_due()
        except AlmaError as error:
            log.warning("what a person had forgotten could not be erased, and is tried again: %s", error)

    async def _tend(self) -> None:
        while True:
            await asyncio.sleep(TENDING_SECONDS)
            await self._parts.serving.tend(self._settings.worker_idle_minutes * 60)
            await expire_requests(self._parts.ledger, time.time(), self._settings.approval.request_days)
            await self._erase_due()
            idle = self._idle_seconds()
            needed = self._sessions or self._parts.rehearsals.running
            if not needed and idle > self._settings.idle_minutes * 60:
                log.info("nobody needs the engine for %.0f minutes", idle / 60)
                self.stop()


async def run_engine(home: Home, settings: Settings) -> None:
    """Run the engine of a home until it is stopped. Raises `EngineError` when another one runs."""
    home.prepare()
    lock = ProcessLock(home.lock)
    if not lock.acquire():
        raise EngineError(f"An engine already runs for {home.path}; `alma-mcp stop` ends it.")
    try:
        async with compose(home, settings) as parts:
            engine = Engine(home, settings, parts)
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, engine.stop)
            await engine.serve()
    finally:
        lock.release()
