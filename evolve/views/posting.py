"""What is to be seen of a running search, posted in its home for whoever looks on from another process."""

import contextlib
import json
import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from alma_mcp.home import Home
from evolve.evaluation import Verdict
from evolve.views.live import LiveView
from evolve.views.scene import Flight, Scene
from evolve.watching import Outlook, Spending, Stage

PAUSE_SECONDS = 1.0
"""The least between two posts that tell no more than progress."""


@dataclass(frozen=True, slots=True)
class Posted:
    """A scene as the process `pid` saw it, at a time in seconds since the epoch."""

    pid: int
    at: float
    scene: Scene

    def seen_at(self, now: float) -> Scene:
        """The scene as it is by now, if nothing happened since."""
        passed, scene = max(0.0, now - self.at), self.scene
        left = None if scene.left is None else max(0.0, scene.left - passed)
        return replace(scene, now=scene.now + passed, elapsed=scene.elapsed + passed, left=left)


@dataclass(slots=True)
class Posting:
    """Implements `watching.Watcher`: tells the view, and writes down what is to be seen then.

    A post that cannot be written is left out: a search does not end because nobody can look on.
    """

    view: LiveView
    path: Path
    clock: Callable[[], float] = time.time
    _stages: dict[str, Stage] = field(default_factory=dict)
    _last: float = -math.inf

    def begins(self, outlook: Outlook) -> None:
        self.view.begins(outlook)
        self._post()

    def moves(self, step: str, stage: Stage, done: int = 0, total: int = 0) -> None:
        self.view.moves(step, stage, done, total)
        moved = self._stages.get(step) != stage
        self._stages[step] = stage
        self._post(urgent=moved)

    def became(self, step: str, name: str, verdict: Verdict) -> None:
        self.view.became(step, name, verdict)
        self._stages.pop(step, None)
        self._post()

    def spent(self, spending: Spending) -> None:
        self.view.spent(spending)
        self._post(urgent=False)

    def _post(self, *, urgent: bool = True) -> None:
        now = self.clock()
        if not urgent and 0 <= now - self._last < PAUSE_SECONDS:
            return
        self._last = now
        body = json.dumps({"pid": os.getpid(), "at": now, "scene": asdict(self.view.scene())})
        partial = self.path.with_suffix(".partial")
        with contextlib.suppress(OSError):
            partial.write_text(body, encoding="utf-8")
            partial.replace(self.path)


def place(home: Home) -> Path:
    """Where the search of a home posts."""
    return home.path / "search.json"


@contextlib.contextmanager
def posting(view: LiveView, home: Home) -> Iterator[Posting]:
    """Posts while the context is open; what was posted goes away with it."""
    try:
        yield Posting(view, place(home))
    finally:
        with contextlib.suppress(OSError):
            place(home).unlink(missing_ok=True)


def posted(home: Home) -> Posted | None:
    """What was posted last; None where there is nothing that can be read."""
    try:
        body: dict[str, Any] = json.loads(place(home).read_text(encoding="utf-8"))
        scene: dict[str, Any] = body["scene"]
        outlook = Outlook(**scene.pop("outlook")) if scene.get("outlook") else scene.pop("outlook")
        flights = tuple(Flight(**each) for each in scene.pop("flights"))
        spending = Spending(**scene.pop("spending"))
        return Posted(int(body["pid"]), float(body["at"]), Scene(outlook, flights=flights, spending=spending, **scene))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
