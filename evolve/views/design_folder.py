"""Designs as a folder that people pass on: for each a `design.py` and a `card.json`, and nothing that is run."""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alma_mcp.design_store import MAX_SOURCE_BYTES, SHORT, Design
from alma_mcp.errors import EvolveError, HomeUnusable
from evolve.views.told import one_line

FORMAT = 1
CARD_BYTES = 1024 * 1024
MOST_DESIGNS = 1000
NAME_LETTERS = 80
TITLE_LETTERS = 1000
HYPOTHESIS_LETTERS = 20_000

DesignId = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class CardParent(BaseModel):
    """A design that another was made from."""

    model_config = ConfigDict(frozen=True)

    id: DesignId
    name: Annotated[str, Field(max_length=TITLE_LETTERS)] = ""


class Card(BaseModel):
    """What is said of a design. Lessons and verdicts are for people to read: an import believes neither."""

    model_config = ConfigDict(frozen=True)

    format: Annotated[int, Field(ge=1, le=FORMAT)] = FORMAT
    id: DesignId
    name: Annotated[str, Field(max_length=TITLE_LETTERS)]
    proposer: Annotated[str, Field(max_length=TITLE_LETTERS)] = ""
    hypothesis: Annotated[str, Field(max_length=HYPOTHESIS_LETTERS)] = ""
    parents: Annotated[list[CardParent], Field(max_length=100)] = []
    lessons: Annotated[list[dict[str, Any]], Field(max_length=1000)] = []
    verdicts: Annotated[list[dict[str, Any]], Field(max_length=1000)] = []


@dataclass(frozen=True, slots=True)
class Passed:
    """A design that is passed on, with its card."""

    design: Design
    card: Card


def write_designs(folder: Path, passed: Sequence[Passed]) -> list[Path]:
    """A folder in the folder for each design; gives them. Raises `HomeUnusable`."""
    return [_write(folder / _folder_name(each), each) for each in passed]


def read_designs(folder: Path) -> list[Passed]:
    """The designs of a folder, parents before children. Raises `EvolveError` in a sentence: nothing is half read."""
    try:
        found = (
            [folder] if (folder / "card.json").exists() else sorted(each for each in folder.iterdir() if _holds(each))
        )
    except OSError as error:
        raise EvolveError(f"Cannot read {folder}: {error.strerror}.") from error
    if not found:
        raise EvolveError(f"{folder} holds no designs; `alma-evolve export DESIGN --to FOLDER` writes such a folder.")
    if len(found) > MOST_DESIGNS:
        raise EvolveError(f"{folder} holds {len(found):,} designs; an import takes {MOST_DESIGNS:,} at most.")
    return _parents_first([_read(each) for each in found])


def _folder_name(passed: Passed) -> str:
    kept = "".join(each if each.isascii() and (each.isalnum() or each in "-_") else "-" for each in passed.design.name)
    return f"{kept[:40].strip('-') or 'design'}-{passed.design.short}"


def _write(folder: Path, passed: Passed) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "design.py").write_bytes(passed.design.source.encode())
        (folder / "card.json").write_text(passed.card.model_dump_json(indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise HomeUnusable(f"Cannot write {folder}: {error.strerror}; choose another with `--to FOLDER`.") from error
    return folder


def _holds(folder: Path) -> bool:
    return folder.is_dir() and not folder.is_symlink() and (folder / "card.json").exists()


def _read(folder: Path) -> Passed:
    path = folder / "card.json"
    try:
        card = Card.model_validate_json(_bounded(path, CARD_BYTES))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        raise EvolveError(f"{path} is no card of a design: {key}: {first['msg']}.") from error
    try:
        source = _bounded(folder / "design.py", MAX_SOURCE_BYTES).decode()
    except UnicodeDecodeError as error:
        raise EvolveError(f"{folder / 'design.py'} is not UTF-8 text, so it is not a design.") from error
    design = Design(source, one_line(card.name)[:NAME_LETTERS])
    if design.id != card.id:
        raise EvolveError(
            f"{folder / 'design.py'} is {design.short}, and its card says {card.id[:SHORT]}: one of them was changed"
            " after the export; nothing was taken in."
        )
    return Passed(design, card)


def _bounded(path: Path, most: int) -> bytes:
    """The bytes of a plain file; not of what a link leads to, nor of a device."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise EvolveError(f"Cannot read {path}: {error.strerror}. It must be a plain file.") from error
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise EvolveError(f"{path} is no plain file.")
        data = file.read(most + 1)
    if len(data) > most:
        raise EvolveError(f"{path} is larger than {most:,} bytes, the most that is taken in.")
    return data


def _parents_first(passed: Sequence[Passed]) -> list[Passed]:
    """Raises `EvolveError` for designs that are each other's ancestors."""
    left = {each.design.id: each for each in passed}
    ordered: list[Passed] = []
    while left:
        ready = [each for each in left.values() if not any(parent.id in left for parent in each.card.parents)]
        if not ready:
            names = ", ".join(one_line(each.design.name) for each in left.values())
            raise EvolveError(
                f"By their cards these designs are each other's ancestors: {names}; nothing was taken in."
            )
        ordered += ready
        for each in ready:
            del left[each.design.id]
    return ordered
