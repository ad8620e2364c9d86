"""A program that reads a prompt on standard input and writes its answer on standard output."""

import asyncio
import contextlib
import json
import os
import shlex
import signal
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping
from typing import Any

from alma_mcp.errors import EvolveError
from evolve.errors import ProposalFailed
from evolve.meta.brief import Answer
from evolve.writers.form import unwrapped, with_schema

CACHED = ("cache_creation_input_tokens", "cache_read_input_tokens")


class CommandWriter:
    """Implements `Writer`: for example `claude -p` or `codex exec -`, a subscription instead of a key.

    The program is given so many `seconds`; after that, or when the search is stopped, it ends with all that it started.
    """

    tokens = 0

    def __init__(self, command: str, seconds: float, *, clock: Callable[[], float] = time.perf_counter) -> None:
        self.who = command
        self._command = shlex.split(command)
        self._seconds = seconds
        self._clock = clock

    async def write(self, prompt: str, schema: Mapping[str, Any] | None) -> Answer:
        """The answer to a prompt; JSON of this schema where there is one, which the prompt then says.

        Raises `ProposalFailed`; `EvolveError` where there is no such program, since there will be none later either.
        """
        began = self._clock()
        written = await self._run(prompt if schema is None else with_schema(prompt, schema))
        text, tokens_in, tokens_out = _told(written)
        return Answer(
            text=text if schema is None else unwrapped(text),
            who=self.who,
            tokens_in=tokens_in,
            tokens_out=tokens_out,
            dollars=0.0,
            seconds=self._clock() - began,
        )

    async def _run(self, prompt: str) -> str:
        name = self._command[0]
        process = await self._started()
        try:
            out, err = await asyncio.wait_for(process.communicate(prompt.encode()), self._seconds)
        except TimeoutError:
            await _end(process)
            raise ProposalFailed(f"{name} took more than {self._seconds:g} seconds.") from None
        except asyncio.CancelledError:
            await _end(process)
            raise
        if process.returncode:
            last = (err.decode(errors="replace").strip().splitlines() or ["nothing on standard error"])[-1]
            raise ProposalFailed(f"{name} ended with code {process.returncode}: {last}")
        return out.decode(errors="replace")

    async def _started(self) -> Process:
        """The program in a group of its own; one that is stopped while it starts has started things as well."""
        starting = asyncio.create_task(
            asyncio.create_subprocess_exec(*self._command, stdin=PIPE, stdout=PIPE, stderr=PIPE, start_new_session=True)
        )
        try:
            return await asyncio.shield(starting)
        except OSError as error:
            raise EvolveError(f"Cannot start the proposer {self._command[0]!r}: {error.strerror}.") from error
        except asyncio.CancelledError:
            await _end(await starting)
            raise


async def _end(process: Process) -> None:
    """End a program's whole group: what it started, and the program itself."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _told(written: str) -> tuple[str, int, int]:
    """The text, and tokens in and out where the program tells them, as `claude -p --output-format json` does."""
    try:
        told: Any = json.loads(written)
    except (ValueError, RecursionError):
        return written, 0, 0
    match told:
        case {"type": "result", "result": str(text), "usage": {"input_tokens": int(read), "output_tokens": int(out)}}:
            cached = [told["usage"].get(name, 0) for name in CACHED]
            return text, read + sum(count for count in cached if isinstance(count, int)), out
    return written, 0, 0
