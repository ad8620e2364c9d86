"""A language model on this machine: llama.cpp's `llama-server`, on loopback, for as long as a context is open."""

import asyncio
import contextlib
import hashlib
import os
import shutil
import signal
import socket
import sys
import urllib.error
import urllib.request
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from alma_mcp.errors import EvolveError

PROGRAM = "llama-server"
SETTINGS = {"LLAMA_ARG_CACHE_RAM": "0"}
"""As a variable, which an older server passes over. Without it a server keeps up to 8 GB of old prompts."""
TAIL = 2000
PR_SET_PDEATHSIG = 1
ENDING_SECONDS = 10.0
HOW_TO_GET = (
    "install llama.cpp (https://github.com/ggml-org/llama.cpp; `brew install llama.cpp`, or unpack a release and put "
    "it on PATH), or name the program in ALMA_EVOLVE_LLAMA_SERVER"
)


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A GGUF file and how it is served: `context` in tokens, `seconds` to load in, `program` by path or by name."""

    file: Path
    program: str = PROGRAM
    context: int = 16_384
    seconds: float = 600.0

    def name(self) -> str:
        """Named after the bytes of the model, so that equal names are equal models. Reads all of it."""
        with _readable(self.file).open("rb") as file:
            return f"local:{self.file.stem}@{hashlib.file_digest(file, 'sha256').hexdigest()[:8]}"


@contextlib.asynccontextmanager
async def served(model: LocalModel, key: str, tell: Callable[[str], None]) -> AsyncIterator[str]:
    """The base URL of a server that has the model loaded; it ends with the context, whatever happens.

    `key` is what the server asks of whoever calls, so that no other program here plays along. `tell` hears how
    loading goes. Raises `EvolveError`, with the server's last words where it does not load.
    """
    port = _free_port()
    process = await _start(model, port, key)
    output = _Tail(process)
    try:
        await _loaded(model, process, port, output, tell)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        await _end(process)
        await output.to_the_end()


class _Tail:
    """The last words of a program."""

    def __init__(self, process: Process) -> None:
        self._text = b""
        self._reading = asyncio.create_task(self._read(process))

    async def _read(self, process: Process) -> None:
        assert process.stdout is not None
        while chunk := await process.stdout.read(4096):
            self._text = (self._text + chunk)[-TAIL:]

    async def to_the_end(self) -> None:
        """Wait for what an ended program has said; a child that it left behind is not waited for."""
        await asyncio.wait({self._reading}, timeout=1.0)
        self._reading.cancel()

    def words(self) -> str:
        lines = self._text.decode(errors="replace").strip().splitlines()[-5:]
        return "\n".join(lines) or "it said nothing"


async def _start(model: LocalModel, port: int, key: str) -> Process:
    program = shutil.which(model.program)
    if program is None:
        raise EvolveError(f"There is no program {model.program}: {HOW_TO_GET}.")
    file = str(_readable(model.file))
    served_as = ("--host", "127.0.0.1", "--port", str(port), "--no-webui")
    one_at_a_time = ("--ctx-size", str(model.context), "--parallel", "1")
    arguments = (*_dying_with_us(), program, "--model", file, *served_as, *one_at_a_time)
    ours = {name: value for name, value in os.environ.items() if not name.startswith("ALMA_")}
    try:
        # a session of its own: Ctrl-C reaches us alone, and we end it in order
        return await asyncio.create_subprocess_exec(
            *arguments,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            env={**ours, **SETTINGS, "LLAMA_API_KEY": key},
            start_new_session=True,
        )
    except OSError as error:
        raise EvolveError(f"Cannot start {program}: {error.strerror}; {HOW_TO_GET}.") from error


def _dying_with_us() -> tuple[str, ...]:
    """What to start a program through, so that it ends with this process even if that is killed. Linux only."""
    if sys.platform != "linux":
        return ()
    asked = f"ctypes.CDLL(None).prctl({PR_SET_PDEATHSIG}, {signal.SIGTERM:d})"
    return (sys.executable, "-c", f"import ctypes, os, sys; {asked}; os.execv(sys.argv[1], sys.argv[1:])")


async def _loaded(model: LocalModel, process: Process, port: int, output: _Tail, tell: Callable[[str], None]) -> None:
    clock = asyncio.get_running_loop().time
    begun = clock()
    while not await asyncio.to_thread(_healthy, port):
        seconds = clock() - begun
        tell(f"Loading {model.file.name}, {seconds:.0f} s")
        if seconds > model.seconds:
            raise EvolveError(
                f"{model.file.name} was not loaded within {model.seconds:g} seconds. Last words:\n{output.words()}"
            )
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 0.2)
            break
    if process.returncode is not None:
        await output.to_the_end()
        raise EvolveError(
            f"{model.program} ended with code {process.returncode} while loading {model.file}. "
            f"Last words:\n{output.words()}"
        )


async def _end(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), ENDING_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


def _healthy(port: int) -> bool:
    """Whether the server has its model; while it loads it answers 503."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _readable(named: Path) -> Path:
    file = named.expanduser()
    if not file.is_file():
        raise EvolveError(f"There is no model at {file}; name a GGUF file, as in `local:/models/some-model.gguf`.")
    return file
