"""`alma-evolve data`: get the data of benchmarks that are too large, or not free, to come with this project."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evolve.benchmarks import longmemeval
from evolve.download import RemoteFile, download
from evolve.progress import bar

if TYPE_CHECKING:
    from evolve.cli import Context

MEGABYTE = 10**6
LONGMEMEVAL = RemoteFile(
    "https://huggingface.co/datasets/xiaowu0162/longmemeval-cleaned/resolve/"
    f"98d7416c24c778c2fee6e6f3006e7a073259d48f/{longmemeval.FILE}",
    277_383_467,
    "d6f21ea9d60a0d56f34a05b609c79c88a451d2ae03597821ea3d5a9678c3a442",
)


@click.group()
def data() -> None:
    """Get the data of a benchmark."""


@data.command("longmemeval")
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), help="The file; else in the home.")
@click.option("--url", default=LONGMEMEVAL.url, help="A mirror; its file must be the same bytes.")
@click.pass_obj
def longmemeval_data(context: "Context", to: Path | None, url: str) -> None:
    """LongMemEval_S, cleaned (MIT licence): 277 MB from Hugging Face, checked by size and SHA-256."""
    if to is None:
        context.home.prepare()
    place = to or context.home.data / longmemeval.FILE
    with bar("longmemeval, MB") as report:
        fetched = download(
            replace(LONGMEMEVAL, url=url), place, lambda done, total: report(done // MEGABYTE, total // MEGABYTE)
        )
    click.echo(f"{place} {'is there' if fetched else 'was there already'}, and is the published file.")
