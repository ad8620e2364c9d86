"""The protocol that every environment speaks: one JSON object a line, a request in, an answer out.

    {"id": 1, "do": "reset", "domain": "textworld", "game": "coin/1.z8", "seed": 7}
    {"id": 2, "do": "step", "action": "go north"}
    {"id": 3, "do": "close"}

The first line out is {"ready": {"domains": [...], "source": {domain: where its rules come from}}}. An answer is
{"id": 1, "state": {"goal", "observation", "actions", "score", "won", "done"}}, or
{"id": 1, "error": {"kind": "request" | "environment", "message": "..."}}: `request` is the caller's mistake and
leaves the episode as it was, `environment` is the game's and ends it.

Standard library only; it is copied into each image beside its `env.py`.
"""

import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO, Protocol

LONGEST_LINE = 1 << 20


class BadGame(Exception):
    """The caller asked for what is not there; the message says what is."""


class Game(Protocol):
    """One domain's games, one episode at a time."""

    def reset(self, game: str, seed: int) -> Mapping[str, Any]:
        """Begin an episode; gives its state. Raises `BadGame`."""

    def step(self, action: str) -> Mapping[str, Any]:
        """Do one thing; gives the state after it."""


def serve(domains: Mapping[str, Callable[[], Game]], sources: Mapping[str, str]) -> None:
    """Answer requests until `close` or the end of standard input.

    A domain is made when it is first asked for. Answers leave by a descriptor of their own: whatever a library
    prints goes to standard error.
    """
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    _say(answers, {"ready": {"domains": sorted(domains), "source": dict(sources)}})
    table = _Table(domains)
    for request in _requests(sys.stdin.buffer):
        if request.get("do") == "close":
            _say(answers, {"id": request.get("id"), "closed": True})
            return
        _say(answers, {"id": request.get("id"), **table.answer(request)})


class _Table:
    """The games that were made, and the one that is played."""

    def __init__(self, domains: Mapping[str, Callable[[], Game]]) -> None:
        self._domains = domains
        self._made: dict[str, Game] = {}
        self._played: Game | None = None

    def answer(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            return {"state": dict(self._state(request))}
        except BadGame as mistake:
            return {"error": {"kind": "request", "message": str(mistake)}}
        except Exception as error:  # noqa: BLE001 - the boundary of whatever a game raises
            traceback.print_exc(file=sys.stderr)
            self._played = None
            return {"error": {"kind": "environment", "message": f"{type(error).__name__}: {error}"}}

    def _state(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        match request:
            case {"do": "reset", "domain": str(domain), "game": str(game), "seed": int(seed)}:
                if domain not in self._domains:
                    raise BadGame(f"There is no domain {domain!r}; there are: {', '.join(sorted(self._domains))}.")
                if domain not in self._made:
                    self._made[domain] = self._domains[domain]()
                self._played = None
                state = self._made[domain].reset(game, seed)
                self._played = self._made[domain]
                return state
            case {"do": "step", "action": str(action)}:
                if self._played is None:
                    raise BadGame("No episode has begun; reset first.")
                return self._played.step(action)
            case _:
                raise BadGame("A request is reset (domain, game, seed), step (action) or close.")


def _requests(lines: BinaryIO) -> Iterator[Mapping[str, Any]]:
    while line := lines.readline(LONGEST_LINE):
        try:
            request = json.loads(line)
        except ValueError:
            request = {}
        yield request if isinstance(request, dict) else {}


def _say(answers: BinaryIO, message: Mapping[str, Any]) -> None:
    answers.write(json.dumps(message).encode() + b"\n")
