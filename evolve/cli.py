"""The command line of `alma-evolve`, and its composition root."""

import sys
from dataclasses import dataclass
from pathlib import Path

import click

from alma_mcp import __version__
from alma_mcp.command_line import HELP_NAMES, home_option, run_group
from alma_mcp.design_store import DesignStore
from alma_mcp.home import Home
from evolve.commands.compare import compare
from evolve.commands.data import data
from evolve.commands.diff import diff
from evolve.commands.evaluate import evaluate
from evolve.commands.folder import export
from evolve.commands.images import images
from evolve.commands.imports import import_design
from evolve.commands.lineage import lineage
from evolve.commands.mcp import mcp
from evolve.commands.promote import promote
from evolve.commands.propose import brief, submit
from evolve.commands.run import run, stop
from evolve.commands.show import archive_designs, list_designs, show
from evolve.commands.simulate import simulate
from evolve.commands.status import status


@dataclass(frozen=True, slots=True)
class Context:
    """What every command is given."""

    home: Home
    store: DesignStore


@click.group(context_settings=HELP_NAMES)
@home_option
@click.version_option(__version__, prog_name="alma-evolve")
@click.pass_context
def cli(context: click.Context, home: Path) -> None:
    """Search for better memory designs, and propose them to a person."""
    place = Home(home.expanduser().absolute())
    context.obj = Context(place, DesignStore(place.designs))


for command in (
    run, stop, status, archive_designs, list_designs, show, lineage, diff, compare, export, import_design,
    evaluate, simulate, data, images, brief, submit, mcp, promote,
):  # fmt: skip
    cli.add_command(command)


def main() -> int:
    """Run the command line; gives its exit code."""
    return run_group(cli, "alma-evolve", sys.argv[1:], "stopped; the same command goes on where this one was.")


if __name__ == "__main__":
    sys.exit(main())
