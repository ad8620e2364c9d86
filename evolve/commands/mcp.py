"""`alma-evolve mcp`: serve the `evolve` toolset to a coding assistant, on standard input and output."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evolve.archive import Archive
from evolve.commands.run import CONFIGURATION, DATA, open_both, settings_of
from evolve.config import SearchSettings
from evolve.meta.assistant import Workbench
from evolve.meta.witness import witnessing

if TYPE_CHECKING:
    from evolve.cli import Context


@click.command()
@CONFIGURATION
@DATA
@click.pass_obj
def mcp(context: "Context", configuration: Path, data: Path | None) -> None:
    """Let the assistant that starts this write designs: MCP over standard input and output. It cannot promote any."""
    from evolve.meta.toolset import build_server  # noqa: PLC0415 - most of a second that other commands need not pay

    settings = settings_of(configuration, data)
    server = build_server(
        lambda: open_workbench(settings, context),
        lambda: Archive(context.home.archive, context.store),
        lambda: random.SystemRandom().getrandbits(48),
    )
    asyncio.run(server.run_stdio_async())


@contextlib.asynccontextmanager
async def open_workbench(settings: SearchSettings, context: "Context") -> AsyncIterator[Workbench]:
    """The archive, the benchmark and the laboratory of a configuration, for an assistant. Raises as they do."""
    with Archive(context.home.archive, context.store) as archive:
        async with open_both(settings, context) as (benchmark, laboratory):
            seen = witnessing(benchmark, laboratory, context.home)
            yield Workbench(settings, archive, benchmark, laboratory, time.time, seen)
