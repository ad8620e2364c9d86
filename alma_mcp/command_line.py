"""What every command of ours shares: the home option, and failures as one sentence with an exit code."""

from collections.abc import Sequence
from pathlib import Path

import click

from alma_mcp.errors import AlmaError
from alma_mcp.home import default_home

HELP_NAMES = {"help_option_names": ["-h", "--help"]}
INTERRUPTED = 130

home_option = click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    default=default_home,
    help="The folder where everything lives.",
    show_default="the user's data folder",
)


def run_group(group: click.Group, name: str, arguments: Sequence[str], interrupted: str = "") -> int:
    """Run a command line; gives its exit code. A failure of ours is one sentence on standard error."""
    try:
        group.main(args=list(arguments), prog_name=name, standalone_mode=False)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except AlmaError as error:
        click.echo(f"{name}: {error}", err=True)
        return 1
    except (click.Abort, KeyboardInterrupt):
        if interrupted:
            click.echo(f"\n{name}: {interrupted}", err=True)
        return INTERRUPTED
    return 0
