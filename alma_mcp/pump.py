"""The pump: what an MCP client starts. Bytes between its standard streams and the user's engine.

Standard library only, so that it is there at once. It reads just enough of each line to
know which requests are unanswered: when the engine goes away (an update, a crash, a kill)
it meets the next one, repeats the handshake of the session and asks again. Repeating is
safe, because the engine knows a request by its session and number and stores it once.
"""

import json
import os
import selectors
import socket
import sys
import time
import uuid
from typing import Any

from alma_mcp.errors import AlmaError
from alma_mcp.home import Home
from alma_mcp.rendezvous import meet, replace_hung

CHUNK = 1 << 16
LONGEST_LINE = 48 * 1024 * 1024
SUSPICIOUS_SECONDS = 1.5
STUCK_SECONDS = 10.0
LAST_ANSWERS_SECONDS = 30.0
PARSE_ERROR = -32700


class Pump:
    """One client session."""

    def __init__(self, home: Home, standard_input: int = 0, standard_output: int = 1) -> None:
        self._home = home
        self._input = standard_input
        self._output = standard_output
        self._greeting = {
            "role": "session",
            "session": uuid.uuid4().hex,
            "folder": os.environ.get("CLAUDE_PROJECT_DIR") or os.getcwd(),  # noqa: PTH109 - pathlib is slow to import
        }
        self._handshake: list[bytes] = []
        self._replayed: Any = None
        self._unanswered: dict[Any, bytes] = {}
        self._asked = 0.0
        self._engine: socket.socket | None = None

    def run(self) -> None:
        """Pump until the client closes its end and the last answer is out. Raises `AlmaError`."""
        self._meet()
        client, engine = _Lines(), _Lines()
        open_input = True
        closing = 0.0
        while open_input or (self._unanswered and time.monotonic() < closing):
            for ready in self._wait(open_input=open_input):
                if ready == self._input:
                    data = os.read(self._input, CHUNK)
                    if not data:
                        open_input, closing = False, time.monotonic() + LAST_ANSWERS_SECONDS
                    for line in client.feed(data):
                        self._from_client(line)
                else:
                    data = self._receive()
                    if not data:
                        engine = _Lines()
                        self._reconnect()
                    for line in engine.feed(data):
                        self._from_engine(line)
            self._replace_if_hung()
        assert self._engine is not None
        self._engine.close()

    def _wait(self, *, open_input: bool) -> list[Any]:
        assert self._engine is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._engine, selectors.EVENT_READ)
            if open_input:
                selector.register(self._input, selectors.EVENT_READ)
            return [key.fileobj for key, _ in selector.select(timeout=1.0 if self._unanswered else None)]

    def _receive(self) -> bytes:
        assert self._engine is not None
        try:
            return self._engine.recv(CHUNK)
        except OSError:
            return b""

    def _from_client(self, line: bytes) -> None:
        if len(line) > LONGEST_LINE:
            self._refuse(f"The message has more than {LONGEST_LINE:,} bytes; nothing was stored.")
            return
        if not line.strip():
            return
        message = _message(line)
        method, number = message.get("method"), message.get("id")
        if method in ("initialize", "notifications/initialized"):
            self._handshake.append(line)
        if method is not None and number is not None:
            if not self._unanswered:
                self._asked = time.monotonic()
            self._unanswered[number] = line
        self._send(line)

    def _from_engine(self, line: bytes) -> None:
        message = _message(line)
        number = message.get("id")
        if "method" not in message and number is not None:
            if self._replayed is not None and number == self._replayed:
                self._replayed = None
                return
            self._unanswered.pop(number, None)
            self._asked = time.monotonic()
        _write_all(self._output, line)

    def _send(self, line: bytes) -> None:
        assert self._engine is not None
        try:
            self._engine.sendall(line)
        except OSError:
            replace_hung(self._home)
            self._reconnect()

    def _meet(self) -> None:
        self._engine = meet(self._home, self._greeting).socket
        self._engine.settimeout(STUCK_SECONDS)

    def _reconnect(self) -> None:
        """Meet the next engine and put it where the last one was."""
        assert self._engine is not None
        self._engine.close()
        self._meet()
        first = _message(self._handshake[0]).get("id") if self._handshake else None
        if first is not None and first not in self._unanswered:
            self._replayed = first
            for line in self._handshake:
                self._engine.sendall(line)
        self._asked = time.monotonic()
        for line in list(self._unanswered.values()):
            self._engine.sendall(line)

    def _replace_if_hung(self) -> None:
        if self._unanswered and time.monotonic() - self._asked > SUSPICIOUS_SECONDS:
            replace_hung(self._home)
            self._asked = time.monotonic()

    def _refuse(self, sentence: str) -> None:
        error = {"jsonrpc": "2.0", "id": None, "error": {"code": PARSE_ERROR, "message": sentence}}
        _write_all(self._output, json.dumps(error).encode() + b"\n")


class _Lines:
    """Whole lines out of chunks. A line that grows too long is cut at the limit, so that it is refused."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._length = 0

    def feed(self, data: bytes) -> list[bytes]:
        lines = []
        while (end := data.find(b"\n")) >= 0:
            self._parts.append(data[: end + 1])
            lines.append(b"".join(self._parts))
            self._parts, self._length = [], 0
            data = data[end + 1 :]
        if data and self._length <= LONGEST_LINE:
            self._parts.append(data)
            self._length += len(data)
        return lines


def _message(line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def main(home: Home) -> int:
    """Run a pump on the standard streams; a failure is one sentence on standard error."""
    try:
        Pump(home).run()
    except AlmaError as error:
        sys.stderr.write(f"alma-mcp: {error}\n")
        return 1
    except (BrokenPipeError, KeyboardInterrupt):
        return 0
    return 0
