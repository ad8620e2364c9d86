"""How anything of ours reaches the engine of a home: connect, start it, or replace it. Standard library only.

Health means an answered greeting. The engine's right to run is its lock, so whoever holds
the lock and does not answer is ended by the process id that the kernel names.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alma_mcp import __version__
from alma_mcp.errors import EngineError
from alma_mcp.home import Home, ProcessLock

HEALTHY_SECONDS = 0.3
PATIENCE_SECONDS = 2.0
START_SECONDS = 15.0
PAUSE_SECONDS = 0.01
LONGEST_GREETING = 65_536
LONGEST_LOG = 4 * 2**20


@dataclass(frozen=True, slots=True)
class Meeting:
    """A connected engine: its socket, and what it answered to the greeting."""

    socket: socket.socket
    version: str


def meet(home: Home, greeting: Mapping[str, Any]) -> Meeting:
    """Connect to the home's engine, started if there is none, replaced if it hangs or is older than we are.

    Raises `EngineError` when none answers within `START_SECONDS`, `HomeUnusable` for the home.
    """
    home.prepare()
    lock = ProcessLock(home.lock)
    give_up = time.monotonic() + START_SECONDS
    starting: subprocess.Popen[bytes] | None = None
    while time.monotonic() < give_up:
        connection = _connect(home)
        if connection is None:
            if starting is not None and starting.poll():
                raise EngineError(f"The engine could not start: {_last_words(home)}")
            if (starting is None or starting.poll() == 0) and lock.holder() is None:
                starting = _start(home)
            time.sleep(PAUSE_SECONDS)
            continue
        answer = greet(connection, greeting, PATIENCE_SECONDS)
        if answer is None:
            connection.close()
            _end(lock)
        elif _older(str(answer["alma-mcp"])):
            connection.close()
            _retire(home)
        else:
            return Meeting(connection, str(answer["alma-mcp"]))
    _end(lock)
    raise EngineError(f"The engine did not start within {START_SECONDS:.0f} seconds; {home.engine_log} says why.")


def is_healthy(home: Home, seconds: float = HEALTHY_SECONDS) -> bool:
    """Whether an engine of this home answers a greeting within so many seconds."""
    connection = _connect(home)
    if connection is None:
        return False
    with connection:
        return greet(connection, {"role": "probe"}, seconds) is not None


def replace_hung(home: Home) -> None:
    """End the engine of a home if it does not answer; the next `meet` starts another."""
    if not is_healthy(home, PATIENCE_SECONDS):
        _end(ProcessLock(home.lock))


def greet(connection: socket.socket, greeting: Mapping[str, Any], seconds: float) -> dict[str, Any] | None:
    """Send a greeting and read the answer's line; `None` when there is no proper one in time."""
    connection.settimeout(seconds)
    received = b""
    try:
        connection.sendall(json.dumps({"alma-mcp": __version__, **greeting}).encode() + b"\n")
        while not received.endswith(b"\n") and len(received) < LONGEST_GREETING:
            part = connection.recv(1)
            if not part:
                return None
            received += part
        answer = json.loads(received)
    except (OSError, ValueError):
        return None
    connection.settimeout(None)
    return answer if isinstance(answer, dict) and "alma-mcp" in answer else None


def _connect(home: Home) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(PATIENCE_SECONDS)
    try:
        connection.connect(os.fspath(home.socket))
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        return None
    except OSError:
        connection.close()
        _end(ProcessLock(home.lock))
        return None
    return connection


def _start(home: Home) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "alma_mcp", "--home", os.fspath(home.path), "engine", "--background"]
    if home.engine_log.exists() and home.engine_log.stat().st_size > LONGEST_LOG:
        home.engine_log.replace(home.engine_log.with_suffix(".log.1"))
    with home.engine_log.open("ab") as log:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/", close_fds=True
        )


def _last_words(home: Home) -> str:
    """The engine's last line on its log, where its reason stands."""
    lines = home.engine_log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1].removeprefix("alma-mcp: ") if lines else f"{home.engine_log} is empty."


def _end(lock: ProcessLock) -> None:
    holder = lock.holder()
    if holder and holder != os.getpid():
        with contextlib.suppress(ProcessLookupError):
            os.kill(holder, signal.SIGKILL)


def _retire(home: Home) -> None:
    connection = _connect(home)
    if connection is None:
        return
    with connection:
        if greet(connection, {"role": "control"}, PATIENCE_SECONDS):
            connection.settimeout(PATIENCE_SECONDS)
            with contextlib.suppress(OSError):
                connection.sendall(b'{"id": 1, "call": "retire", "params": {}}\n')
                connection.recv(LONGEST_GREETING)


def _older(version: str) -> bool:
    return _numbers(version) < _numbers(__version__)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
