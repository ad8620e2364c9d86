"""`alma-evolve brief` and `submit`: an assistant with a shell as the meta-agent."""

import asyncio
import random
from pathlib import Path
from typing import TYPE_CHECKING

import click

from alma_mcp.design_store import Design
from alma_mcp.errors import EvolveError
from evolve.commands.mcp import open_workbench
from evolve.commands.run import CONFIGURATION, DATA, settings_of
from evolve.evaluation import Rejection
from evolve.meta.assistant import Commission, Taken, read_submission, take_submission, write_brief
from evolve.meta.brief import Proposal
from evolve.progress import bar

if TYPE_CHECKING:
    from evolve.cli import Context


@click.command()
@click.argument("parent", required=False)
@CONFIGURATION
@DATA
@click.pass_obj
def brief(context: "Context", parent: str | None, configuration: Path, data: Path | None) -> None:
    """Print the task of improving PARENT, or a design the search chooses; `submit` takes the answer."""
    settings = settings_of(configuration, data)

    async def work() -> Commission:
        async with open_workbench(settings, context) as bench:
            with bar("the designs to begin with") as report:
                return await write_brief(bench, random.SystemRandom().getrandbits(48), parent or "", report)

    task = asyncio.run(work())
    click.echo(task.text)
    with_parents = " ".join(f"--parent {each}" for each in task.parents)
    click.echo(f"Hand it in: alma-evolve submit ANSWER --config {configuration} {with_parents}", err=True)


@click.command()
@click.argument("answer", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@CONFIGURATION
@DATA
@click.option("--parent", "parents", multiple=True, help="A design that it was made from.")
@click.pass_obj
def submit(context: "Context", answer: Path, configuration: Path, data: Path | None, parents: tuple[str, ...]) -> None:
    """Verify and evaluate ANSWER: a design file, or an answer to `brief` with one ```python block in it."""
    settings = settings_of(configuration, data)
    proposal = _read(answer)

    async def work() -> Taken:
        async with open_workbench(settings, context) as bench:
            with bar(answer.stem) as report:
                return await take_submission(bench, proposal, parents, name=answer.stem, strict=False, progress=report)

    taken = asyncio.run(work())
    if isinstance(taken.verdict, Rejection):
        raise EvolveError(taken.sentence)
    click.echo(taken.sentence)


def _read(path: Path) -> Proposal:
    if path.suffix == ".py":
        return Proposal(Design.read(path).source, "")
    try:
        return read_submission(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise EvolveError(f"Cannot read {path}: {error}.") from error
    except EvolveError as error:
        raise EvolveError(f"{path}: {error}") from error
