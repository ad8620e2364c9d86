"""The command line of `alma-mcp`, and its composition root."""

import asyncio
import json
import logging
import sys
import webbrowser
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from alma_mcp import __version__
from alma_mcp.approval.approvers_cli import approvers
from alma_mcp.approval.promotions_cli import promotions, rollback
from alma_mcp.command_context import Context
from alma_mcp.command_line import HELP_NAMES, home_option, run_group
from alma_mcp.config import load_settings
from alma_mcp.home import Home, ProcessLock


@click.group(context_settings=HELP_NAMES)
@home_option
@click.version_option(__version__, prog_name="alma-mcp")
@click.pass_context
def main(context: click.Context, home: Path) -> None:
    """A memory for coding assistants whose design evolves.

    Without a command this is the MCP server that a client starts over stdio:
    register `alma-mcp` in the client (README), do not type it.
    """
    context.obj = Context(Home(home.expanduser().absolute()))


@main.command()
@click.option("--background", is_flag=True, help="Another engine that runs already is no error.", hidden=True)
@click.pass_obj
def engine(context: Context, *, background: bool) -> None:
    """Run the engine in the foreground; clients otherwise start it by themselves."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    if background and ProcessLock(context.home.lock).holder():
        return
    from alma_mcp.engine import run_engine  # noqa: PLC0415 - the MCP SDK is for the engine only

    asyncio.run(run_engine(context.home, load_settings(context.home.settings)))


@main.command()
@click.option("--http", "address", required=True, metavar="HOST:PORT", help="A loopback address, port 0 for any.")
@click.option(
    "--project", type=click.Path(path_type=Path, exists=True, file_okay=False), default=".", show_default=True,
    help="The project whose memory is served beside the user's.",
)  # fmt: skip
@click.pass_obj
def serve(context: Context, address: str, project: Path) -> None:
    """Serve the same tools over streamable HTTP on this machine until interrupted."""

    folder = str(project.absolute())

    async def listen() -> None:
        while True:
            async with context.control() as engine:
                answer = await engine.request("http.listen", {"address": address, "folder": folder})
                click.echo(f"Serving {answer['url']}; Ctrl-C ends it.")
                await engine.closed()

    _run(listen())


@main.command()
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@click.pass_obj
def status(context: Context, *, as_json: bool) -> None:
    """Say how the memory is: its design, sizes, sandbox, and anything that is not working."""
    report = _run(_ask(context, "status"))
    text = report.pop("text")
    click.echo(json.dumps(report) if as_json else text)


@main.command()
@click.option("--port", type=click.IntRange(0, 65535), help="The port to listen at, 0 for any.  [default: 8377]")
@click.option("--no-open", is_flag=True, help="Print the link and open no browser.")
@click.pass_obj
def dashboard(context: Context, *, port: int | None, no_open: bool) -> None:
    """Open the dashboard: a page of this machine about the memory, its design and what waits for you."""
    opened = _run(_ask(context, "dashboard.open", {"port": port}))
    if opened["note"]:
        click.echo(opened["note"], err=True)
    click.echo(f"{opened['url']}\nThe link works once, within two minutes; the page stays while the engine runs.")
    if not no_open and sys.stdout.isatty():
        webbrowser.open(opened["url"])


@main.command()
@click.pass_obj
def stop(context: Context) -> None:
    """End the engine, if one runs; the next client starts it again."""
    if not context.home.lock.exists() or not ProcessLock(context.home.lock).holder():
        click.echo("No engine runs.")
        return
    _run(_ask(context, "retire"))
    click.echo("The engine ends.")


main.add_command(approvers)
main.add_command(promotions)
main.add_command(rollback)


async def _ask(context: Context, name: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
    async with context.control() as engine:
        return await engine.request(name, params or {})


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


def run(arguments: Sequence[str]) -> int:
    """Run the command line; gives its exit code."""
    return run_group(main, "alma-mcp", arguments)
