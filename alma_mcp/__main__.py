"""`alma-mcp`: without a subcommand the pump that an MCP client starts, else the command line."""

import sys
from pathlib import Path

from alma_mcp.home import Home, default_home


def main() -> int:
    """Run the pump at once, without importing the command line; anything else goes to it."""
    arguments = sys.argv[1:]
    match arguments:
        case []:
            home = default_home()
        case ["--home", path]:
            home = Path(path).expanduser().absolute()
        case _:
            from alma_mcp.cli import run  # noqa: PLC0415 - the pump must not pay for it

            return run(arguments)
    if sys.stdin.isatty():
        from alma_mcp.cli import run  # noqa: PLC0415 - a person typed it, and wants to know what there is

        return run([*arguments, "--help"])
    from alma_mcp import pump  # noqa: PLC0415 - the command line does not need it

    return pump.main(Home(home))


if __name__ == "__main__":
    sys.exit(main())
