"""The command line of `alma-evolve`, and its composition root."""

import sys
from dataclasses import dataclass
from pathlib import Path

import click

from alma_mcp import __version__
from alma_mcp.design_store import DesignStore
from alma_mcp.errors import AlmaError
from alma_mcp.home import Home, default_home
from evolve.evaluate_cli import evaluate
from evolve.propose_cli import brief, promote, submit
from evolve.run_cli import list_designs, run, show


@dataclass(frozen=True, slots=True)
class Context:
    """What every command is given."""

    home: Home
    store: DesignStore


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    default=default_home,
    help="Where designs, the archive and the memory live.",
    show_default="the user's data folder",
)
@click.version_option(__version__, prog_name="alma-evolve")
@click.pass_context
def cli(context: click.Context, home: Path) -> None:
    """Search for better memory designs, and propose them to a person."""
    place = Home(home.expanduser().absolute())
    context.obj = Context(place, DesignStore(place.designs))


for command in (run, list_designs, show, evaluate, brief, submit, promote):
    cli.add_command(command)


def main() -> int:
    """Run the command line; every failure of ours is one sentence and exit code 1."""
    try:
        cli.main(prog_name="alma-evolve", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except AlmaError as error:
        click.echo(f"alma-evolve: {error}", err=True)
        return 1
    except (click.Abort, KeyboardInterrupt):
        click.echo("\nalma-evolve: stopped; the same command goes on where this one was.", err=True)
        return 130
    except click.exceptions.Exit as end:
        return end.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
