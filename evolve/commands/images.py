"""`alma-evolve images`: build the images that environments run in, and see which are there."""

import contextlib
import itertools
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from alma_mcp.errors import BadRequest, HostError
from evolve.environments import DOMAINS, FAMILIES, Family
from evolve.environments.images import EXTRAS, BuiltImage, build, domains_of, family_of, image_name, inspect

MEGABYTE = 10**6
LAST_LINES = 15
STEP = "Step "
WIDE = 160
OPTIONS: Mapping[str, str] = {"baba_original_source": "--baba", "boxoban_levels": "--boxoban"}

Folder = click.Path(path_type=Path, exists=True, file_okay=False)


@click.group()
def images() -> None:
    """The images that environments run in."""


@images.command("build")
@click.argument("name", metavar="DOMAIN|FAMILY")
@click.option("--base", default="", metavar="IMAGE", help="A base image other than the Dockerfile's.")
@click.option("--wheels", type=Folder, help="A folder of wheels; the image is then built without network.")
@click.option("--baba", type=Folder, help="Your copy of the original Baba Is AI (for babaisai).")
@click.option("--boxoban", type=Folder, help="Your copy of the published Boxoban levels (for minihack).")
def build_command(name: str, base: str, wheels: Path | None, baba: Path | None, boxoban: Path | None) -> None:
    """Build the image of a domain; the domains of a family share one."""
    family = _family(name)
    given = {"baba_original_source": baba, "boxoban_levels": boxoban}
    extras = {extra: folder for extra, folder in given.items() if folder is not None}
    if unused := sorted(OPTIONS[extra] for extra in extras if extra not in EXTRAS[family]):
        raise BadRequest(f"The image of {family} has no use for {' and '.join(unused)}; leave it out.")
    with _shown(family) as report:
        build(family, base, wheels, extras, report)
    click.echo(f"{image_name(family)} is built, for {' and '.join(domains_of(family))}.")


@images.command("list")
@click.argument("name", metavar="[DOMAIN|FAMILY]", required=False)
def list_command(name: str | None) -> None:
    """Which images are there, how large they are, and how to build what is missing."""
    families = [_family(name)] if name else list(dict.fromkeys(FAMILIES.values()))
    found = {family: inspect(family) for family in families}
    table = Table("domain", "image", "built", "MB", "supplied by you")
    for domain in (each for each in DOMAINS if FAMILIES[each] in found):
        table.add_row(domain, image_name(FAMILIES[domain]), *_cells(found[FAMILIES[domain]]))
    Console(width=None if sys.stdout.isatty() else WIDE).print(table)
    for family in (family for family, image in found.items() if image is None):
        click.echo(f"To build the one for {' and '.join(domains_of(family))}: alma-evolve images build {family}")


def _cells(image: BuiltImage | None) -> tuple[str, str, str]:
    if image is None:
        return "no", "", ""
    supplied = (f"{name} {digest}" for name, digest in sorted(image.extras.items()))
    return "yes", str(round(image.size / MEGABYTE)), ", ".join(supplied)


def _family(name: str) -> Family:
    family = family_of(name)
    if family is None:
        known = ", ".join(dict.fromkeys([*DOMAINS, *FAMILIES.values()]))
        raise BadRequest(f"There is no domain or family {name!r}; there are: {known}.")
    return family


@contextlib.contextmanager
def _shown(family: Family) -> Iterator[Callable[[str], None]]:
    """The steps of a build as they come, with a count of its lines; its last lines where it fails."""
    console = Console(stderr=True, highlight=False, markup=False)
    lines: deque[str] = deque(maxlen=LAST_LINES)
    counter = itertools.count(1)
    with console.status(Text(f"{family}: packing what it is built from")) as status:

        def report(text: str) -> None:
            for line in filter(None, map(str.strip, text.splitlines())):
                lines.append(line)
                status.update(Text(f"{family}: line {next(counter)}: {line}", overflow="ellipsis", no_wrap=True))
                if line.startswith(STEP):
                    console.print(line, style="dim")

        try:
            yield report
        except HostError:
            for line in lines:
                console.print(line, style="dim")
            raise
