"""A host whose designs are plain functions of the events they took in; it can be told to misbehave."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alma_mcp.design_store import Design
from alma_mcp.errors import DesignFailed, WorkerDied

WORDS = Design("WORDS = 'remembers every text and returns those that share a word'", "words")
LOUD = Design("LOUD = 'as words, in capitals'", "loud")


@dataclass
class FakeWorker:
    host: "FakeHost"
    design: Design
    state: dict[str, Any]
    alive: bool = True
    memory_bytes: int = 1000

    def step_aside(self) -> None:
        self.host.aside.append(self.design.name)

    async def call(self, method: str, params: Mapping[str, Any], deadline: float) -> Any:
        await asyncio.sleep(0)
        if not self.alive:
            raise WorkerDied("The worker is gone.")
        return await getattr(self, f"_{method}")(params)

    async def close(self) -> None:
        self.alive = False
        self.host.running -= 1

    async def _open(self, params: Mapping[str, Any]) -> dict[str, Any]:
        self.host.opened.append(self.design.name)
        return {"position": self.state.setdefault("position", 0), "state_in_python": False}

    async def _apply(self, params: Mapping[str, Any]) -> dict[str, Any]:
        await self.host.gate.wait()
        if self.design.name in self.host.hangs:
            await asyncio.Event().wait()
        for event in params["events"]:
            if event["position"] in self.host.poisonous:
                self.alive = False
                if self.host.forgetful:
                    self.state.clear()
                raise WorkerDied("An experience killed the worker.")
            if event["position"] in self.host.indigestible:
                raise DesignFailed("KeyError: 'x'")
        memories = self.state.setdefault("memories", {})
        for event in params["events"]:
            self.host.applied.append((self.design.name, event["position"]))
            if event["kind"] == "experience":
                memories[event["body"]["id"]] = event["body"]["steps"][0]["text"]
            elif event["kind"] == "forgetting":
                for each in event["body"]["experiences"]:
                    memories.pop(each, None)
        self.state["position"] = params["events"][-1]["position"]
        return {"position": self.state["position"]}

    async def _retrieve(self, params: Mapping[str, Any]) -> Any:
        self.host.asked.append(params["query"])
        if self.design.name in self.host.slow:
            await self.host.patience.wait()
        if self.design.name in self.host.mute:
            raise DesignFailed("it has nothing to say")
        if self.host.answer is not None:
            return self.host.answer
        own = self.host.answers.get(self.design.name)
        if isinstance(own, Exception):
            raise own
        if own is not None:
            return own
        wanted = set(params["query"]["text"].lower().split())
        items = [
            {"text": text.upper() if self.design == LOUD else text, "score": 1.0, "experiences": [name], "reasons": []}
            for name, text in self.state.get("memories", {}).items()
            if wanted & set(text.lower().split())
        ]
        return {"items": items, "note": ""}

    async def _consolidate(self, params: Mapping[str, Any]) -> None:
        return None


@dataclass
class FakeHost:
    """Keeps the state of every folder, so that a restarted worker goes on where it was.

    `answers` are what designs give to every query, or raise, by their names.
    """

    name: str = "fake"
    contained: bool = True
    forgetful: bool = False
    answer: Any = None
    running: int = 0
    poisonous: set[int] = field(default_factory=set)
    indigestible: set[int] = field(default_factory=set)
    mute: set[str] = field(default_factory=set)
    slow: set[str] = field(default_factory=set)
    patience: asyncio.Event = field(default_factory=asyncio.Event)
    hangs: set[str] = field(default_factory=set)
    opened: list[str] = field(default_factory=list)
    applied: list[tuple[str, int]] = field(default_factory=list)
    asked: list[Mapping[str, Any]] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    aside: list[str] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    states: dict[Path, dict[str, Any]] = field(default_factory=dict)
    workers: list[FakeWorker] = field(default_factory=list)
    refuses: Callable[[Design], Exception | None] = lambda design: None

    def __post_init__(self) -> None:
        self.gate.set()

    async def start(self, design: Design, state: Path, asks: Any) -> FakeWorker:
        if error := self.refuses(design):
            raise error
        self.running += 1
        worker = FakeWorker(self, design, self.states.setdefault(state, {}))
        self.workers.append(worker)
        return worker

    async def close(self) -> None:
        return None
