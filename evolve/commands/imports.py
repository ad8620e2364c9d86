"""`alma-evolve import`: take in a memory that was written for the original ALMA, or designs that were exported."""

import asyncio
import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from alma_mcp.contract import Unavailable
from alma_mcp.errors import EvolveError
from evolve.archive import Archive
from evolve.commands.folder import import_folder
from evolve.commands.json_option import json_option, say_json
from evolve.laboratory import open_laboratory
from evolve.upstream.importing import import_file
from evolve.upstream.rehearsal import Rehearsal
from evolve.verify import verify

if TYPE_CHECKING:
    from evolve.cli import Context


@click.command("import")
@click.argument("file", metavar="FILE|FOLDER", type=click.Path(path_type=Path))
@click.option("--name", default="", help="What to call it.  [default: the file's name]")
@click.option(
    "--root", type=click.Path(path_type=Path, file_okay=False), help="Where other modules lie that it imports."
)
@click.option("--embedder", default="onnx", show_default=True, help="As in configs/serve.toml.")
@json_option
@click.pass_obj
def import_design(
    context: "Context", file: Path, name: str, root: Path | None, embedder: str, *, as_json: bool
) -> None:
    """Take in FILE, an upstream ALMA memory (a `MemoStructure`), unchanged, as a design of the archive.

    It is verified in the sandbox, with made-up answers where it asks a model. Or take in a FOLDER that
    `alma-evolve export` has written: code, lineage and hypotheses. Scores are measured here.
    """
    if file.is_dir():
        if name or root:
            raise EvolveError("--name and --root go with a file; the designs of a folder keep their names.")
        import_folder(context, file, as_json=as_json)
        return
    design = import_file(file, name, root)

    async def work() -> None:
        with Archive(context.home.archive, context.store) as archive:
            async with open_laboratory(context.store, context.home, embedder, Rehearsal()) as laboratory:
                assert laboratory.embedder
                with contextlib.suppress(Unavailable):
                    await laboratory.embedder.load()
                if rejection := await verify(design, laboratory):
                    raise EvolveError(f"{file} was rejected at {rejection.stage}: {rejection.reason}")
                archive.add(design, "import", f"{file.name}, run as it is.", (), time.time())

    asyncio.run(work())
    if as_json:
        say_json([{"id": design.id, "name": design.name, "new": True}])
        return
    click.echo(
        f"{design.name} is the design {design.short}. `alma-evolve show {design.short}` shows what was taken in."
    )
    click.echo(f"Next: alma-evolve evaluate {design.short} --benchmark alfworld")
