"""`alma-evolve brief`, `submit` and `promote`: an assistant as the meta-agent, and the way to a person."""

import asyncio
import random
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from alma_mcp.control import control
from alma_mcp.design_store import Design
from alma_mcp.dossier import Dossier
from alma_mcp.errors import EvolveError
from evolve.archive import Archive
from evolve.evaluate import evaluate
from evolve.evaluation import Rejection
from evolve.gate import Gate
from evolve.progress import bar
from evolve.propose import read_answer, write_prompt
from evolve.round import Round
from evolve.run_cli import CONFIGURATION, DATA, make_proposer, open_both, settings_of, watching
from evolve.search import plant
from evolve.selection import SAMPLERS
from evolve.show_cli import told
from evolve.verify import verify

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

    async def work() -> str:
        with Archive(context.home.archive, context.store) as archive, watching() as watcher:
            async with open_both(settings, context) as (benchmark, laboratory):
                await plant(settings, archive, benchmark, laboratory, watcher, time.time)
                sampler = SAMPLERS[settings.sampler]
                work = Round(archive, benchmark, laboratory, make_proposer(settings), sampler, time.time)
                chosen = archive.entry(parent).id if parent else ""
                return write_prompt(work.brief(random.SystemRandom().getrandbits(48), chosen))

    click.echo(asyncio.run(work()))


@click.command()
@click.argument("answer", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@CONFIGURATION
@DATA
@click.option("--parent", "parents", multiple=True, help="A design that it was made from.")
@click.pass_obj
def submit(context: "Context", answer: Path, configuration: Path, data: Path | None, parents: tuple[str, ...]) -> None:
    """Verify and evaluate ANSWER: a design file, or an answer to `brief` with one ```python block in it."""
    settings = settings_of(configuration, data)
    design, hypothesis = _read_submission(answer)

    async def work() -> None:
        with Archive(context.home.archive, context.store) as archive, bar(design.name) as report:
            async with open_both(settings, context) as (benchmark, laboratory):
                lineage = [archive.entry(parent).id for parent in parents]
                archive.add(design, "assistant", hypothesis, lineage, time.time())
                rejection = await verify(design, laboratory)
                verdict = rejection or await evaluate(design, benchmark, "search", laboratory, progress=report)
                archive.judge(design.id, benchmark.name, "search", verdict)
        if isinstance(verdict, Rejection):
            raise EvolveError(f"{design.short} was {told(verdict)}\n{verdict.trace}".strip())
        click.echo(f"{design.short}: {told(verdict)}")

    asyncio.run(work())


@click.command()
@click.argument("design", required=False)
@CONFIGURATION
@DATA
@click.pass_obj
def promote(context: "Context", design: str | None, configuration: Path, data: Path | None) -> None:
    """Put DESIGN, or the archive's best finalist, through the gate against the live champion, and ask for approval."""
    settings = settings_of(configuration, data)

    async def work() -> tuple[Dossier, str]:
        async with control(context.home) as engine:
            live = await engine.request("champion", {})
            champion = Design(live["source"], live["name"])
            with Archive(context.home.archive, context.store) as archive, bar("the gate") as report:
                async with open_both(settings, context) as (benchmark, laboratory):
                    gate = Gate(archive, benchmark, laboratory, settings.gate)
                    challenger = _find(context, archive, design) if design else await gate.choose(champion, report)
                    dossier = await gate.open(challenger, champion, shlex.join(["alma-evolve", *sys.argv[1:]]), report)
            asked = {"source": challenger.source, "name": challenger.name, "dossier": dossier.model_dump(mode="json")}
            return dossier, (await engine.request("promotions.request", asked))["short"]

    dossier, short = asyncio.run(work())
    click.echo(f"The gate {dossier.verdict}: difference {dossier.difference}, p = {dossier.p_value:.5f}.")
    for objection in dossier.objections:
        click.echo(f"Objection: {objection}.")
    click.echo(f"A person decides: alma-mcp promotions show {short}, then alma-mcp promotions approve {short}")


def _find(context: "Context", archive: Archive, reference: str) -> Design:
    """A design of the archive, or of the store."""
    named = [entry for entry in archive.entries() if reference == entry.name or entry.id.startswith(reference)]
    return archive.design(archive.entry(reference)) if named else context.store.find(reference)


def _read_submission(path: Path) -> tuple[Design, str]:
    if path.suffix == ".py":
        return Design.read(path), ""
    try:
        answer = read_answer(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise EvolveError(f"Cannot read {path}: {error}.") from error
    if isinstance(answer, Rejection):
        raise EvolveError(f"{path}: {answer.reason}")
    return Design(answer.source, path.stem), answer.hypothesis
