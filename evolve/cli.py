"""The command line of `alma-evolve`, and its composition root."""

import sys
from dataclasses import dataclass
from pathlib import Path

import click

from alma_mcp import __version__
from alma_mcp.command_line import HELP_NAMES, home_option, run_group
from alma_mcp.design_store import DesignStore
from alma_mcp.home import Home
from evolve.data_cli import data
from evolve.evaluate_cli import evaluate
from evolve.images_cli import images
from evolve.import_cli import import_design
from evolve.propose_cli import brief, promote, submit
from evolve.run_cli import run
from evolve.show_cli import list_designs, show
from evolve.simulate_cli import simulate


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


for command in (run, list_designs, show, evaluate, import_design, data, images, brief, submit, promote, simulate):
    cli.add_command(command)


def main() -> int:
    """Run the command line; gives its exit code."""
    return run_group(cli, "alma-evolve", sys.argv[1:], "stopped; the same command goes on where this one was.")


if __name__ == "__main__":
    sys.exit(main())
