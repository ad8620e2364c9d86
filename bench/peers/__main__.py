"""Our server and its peers on this machine.

    python -m bench.peers install [NAME...]     each into an environment of its own, under .cache/peers
    python -m bench.peers run [NAME...] [--sizes 1000,10000] [--rounds 5] [--budget 150] [--out FILE]
    python -m bench.peers report [FILE] [--markdown] [--svg FILE]

Without a command: `run` with all of them. What cannot be installed or does not answer is said in the table.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bench.peers import processes
from bench.peers.install import install
from bench.peers.measure import Plan, measure
from bench.peers.peers import CACHE, named
from bench.peers.plot import plot
from bench.peers.report import markdown, read_json, show, write_json

RESULT = CACHE / "result.json"
PIPED_WIDTH = 150


def main(arguments: Sequence[str]) -> int:
    """Run one command; 0, or 2 with a sentence for arguments that cannot be followed."""
    parser = _parser()
    chosen = parser.parse_args(arguments or ["run"])
    try:
        match chosen.command:
            case "install":
                _install(chosen.names)
            case "run":
                _run(chosen)
            case _:
                _report(chosen)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.peers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("install").add_argument("names", nargs="*")
    run = commands.add_parser("run")
    run.add_argument("names", nargs="*", help="servers, all for none; the targets are those of the first")
    run.add_argument("--sizes", default="1000", help="numbers of notes, rising, comma-separated")
    run.add_argument("--rounds", type=int, default=5, help="turns of each server in filling and in searching")
    run.add_argument("--budget", type=float, default=150, help="seconds for one server at one size")
    run.add_argument("--out", type=Path, default=RESULT, help="where the figures go, as JSON")
    report = commands.add_parser("report")
    report.add_argument("file", nargs="?", type=Path, default=RESULT)
    report.add_argument("--markdown", action="store_true")
    report.add_argument("--svg", type=Path, help="draw the plot into this file")
    return parser


def _install(names: list[str]) -> None:
    for peer in named(names):
        _say(f"{peer.package} {peer.version} ({peer.licence}, {peer.source})")
        _say(f"  {install(peer) or 'ready'}")


def _run(chosen: argparse.Namespace) -> None:
    if not processes.READABLE:
        raise OSError("processes are read from /proc, so this runs on Linux only")
    plan = Plan([int(size) for size in chosen.sizes.split(",")], chosen.rounds, chosen.budget)
    with tempfile.TemporaryDirectory(prefix="peers-", ignore_cleanup_errors=True) as folder:
        lines = asyncio.run(measure(named(chosen.names), Path(folder), plan, _say))
    write_json(lines, chosen.out)
    show(lines, _console())


def _report(chosen: argparse.Namespace) -> None:
    lines = read_json(chosen.file)
    if chosen.svg:
        chosen.svg.write_text(plot(lines))
    if chosen.markdown:
        sys.stdout.write(markdown(lines))
    else:
        show(lines, _console())


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else PIPED_WIDTH)


def _say(text: str) -> None:
    sys.stderr.write(f"peers: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
