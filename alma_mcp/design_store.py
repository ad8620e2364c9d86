"""Memory designs, kept by the hash of their source."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from alma_mcp.errors import DesignAltered, DesignUnknown, StoreError

BUNDLED = Path(__file__).resolve().parent.parent / "designs"
SHORT = 12
MAX_SOURCE_BYTES = 256 * 1024


@dataclass(frozen=True)
class Design:
    """A memory design: its source, and a name for people. Its id is the SHA-256 of the source."""

    source: str
    name: str = ""

    @cached_property
    def id(self) -> str:
        return hashlib.sha256(self.source.encode()).hexdigest()

    @property
    def short(self) -> str:
        return self.id[:SHORT]

    @classmethod
    def read(cls, path: Path, name: str = "") -> Self:
        """Read a design file. Raises `StoreError` with a sentence if it is not one."""
        try:
            data = path.read_bytes()
        except OSError as error:
            raise StoreError(f"Cannot read the design {path}: {error.strerror}.") from error
        if len(data) > MAX_SOURCE_BYTES:
            raise StoreError(f"{path} has {len(data):,} bytes; a design has at most {MAX_SOURCE_BYTES:,}.")
        try:
            return cls(data.decode(), name or path.stem)
        except UnicodeDecodeError as error:
            raise StoreError(f"{path} is not UTF-8 text, so it is not a design.") from error


def bundled_designs(folder: Path = BUNDLED) -> dict[str, Design]:
    """The seed designs that ship with us, by name."""
    found = sorted(folder.glob("*/design.py"))
    return {path.parent.name: Design.read(path, path.parent.name) for path in found}


class DesignStore:
    """Designs in a folder, one file per hash, beside the bundled ones."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._bundled = {design.id: design for design in bundled_designs().values()}

    def is_bundled(self, design: Design) -> bool:
        return design.id in self._bundled

    def holds_bundled(self, design_id: str) -> bool:
        """Whether an id is a bundled design's."""
        return design_id in self._bundled

    def add(self, design: Design) -> None:
        """Keep a design; whole or not at all."""
        if design.id in self._bundled:
            return
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile("w", dir=self._folder, delete=False, encoding="utf-8", newline="") as file:
            file.write(design.source)
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(self._path(design.id))

    def get(self, design_id: str, name: str = "") -> Design:
        """The design with this id. Raises `DesignUnknown`, or `DesignAltered` when the bytes differ."""
        if design := self._bundled.get(design_id):
            return design
        path = self._path(design_id)
        if not path.is_file():
            raise DesignUnknown(f"There is no design {design_id[:SHORT]} here; `alma-evolve list` shows what there is.")
        design = Design.read(path, name or design_id[:SHORT])
        if design.id != design_id:
            raise DesignAltered(f"The design {design_id[:SHORT]} was changed after it was stored; remove {path}.")
        return design

    def find(self, reference: str) -> Design:
        """A design by name of a bundled one, path of a file, id or the beginning of an id."""
        for design in self._bundled.values():
            if design.name == reference:
                return design
        if reference.endswith(".py") or os.sep in reference:
            return Design.read(Path(reference).expanduser())
        ids = [*self._bundled, *(path.stem for path in self._folder.glob("*.py"))]
        matches = [each for each in ids if len(reference) >= 4 and each.startswith(reference)]
        if len(matches) == 1:
            return self.get(matches[0])
        problem = "is the beginning of several design ids" if matches else "is no design's name, id or file"
        known = ", ".join(sorted(design.name for design in self._bundled.values()))
        raise DesignUnknown(f"{reference!r} {problem}. Bundled designs: {known}.")

    def _path(self, design_id: str) -> Path:
        return self._folder / f"{design_id}.py"
