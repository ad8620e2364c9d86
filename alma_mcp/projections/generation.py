"""One build of a design's memory: its folder, and the embedder whose vectors it holds."""

import contextlib
import json
import os
import shutil
from pathlib import Path
from typing import Self

from alma_mcp.contract import Unavailable
from alma_mcp.embedders import Embedder
from alma_mcp.errors import HomeUnusable

RECORD = "embedder.json"


class Generation:
    """What the projections of one build share, kept in a file that designs cannot reach.

    `identity` is that of the embedder whose vectors it holds, empty while it holds none; `setting`
    names that embedder, `waiting` the scopes in which texts wait for one. `older` is that embedder
    where it is not the chosen one any more, once it was wanted.
    """

    def __init__(self, folder: Path, setting: str, identity: str = "", *, served: bool = False) -> None:
        self.folder = folder
        self.setting = setting
        self.identity = identity
        self.served = served
        self.waiting: set[str] = set()
        self.refusals = 0
        self.older: Embedder | None = None

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """The generation in a folder, or None where there is none."""
        try:
            record = json.loads((folder / RECORD).read_text())
            made = cls(folder, str(record["setting"]), str(record["identity"]), served=bool(record["served"]))
            made.waiting = {str(scope) for scope in record["waiting"]}
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return made

    def fits(self, setting: str, identity: str) -> bool:
        """Whether it may serve with this embedder; an empty `identity` is not known yet."""
        return not self.identity or (self.identity == identity if identity else self.setting == setting)

    def admit(self, identity: str, *, writes: bool) -> None:
        """Vectors of this embedder are about to be given. Raises `Unavailable` where it holds those of another."""
        if not self.identity and writes:
            self.identity = identity
            self.save()
        if self.identity not in ("", identity):
            raise Unavailable(f"this memory was built with the embedder {self.identity}, which cannot be had any more")

    def wait(self, scope: str) -> None:
        """Texts of a scope could not be embedded."""
        self.refusals += 1
        if scope not in self.waiting:
            self.waiting.add(scope)
            with contextlib.suppress(HomeUnusable):  # on a full disk it is known until the engine ends
                self.save()

    def filled(self, scope: str) -> None:
        """No text of a scope waits any more."""
        self.waiting.discard(scope)
        self.save()

    def serve(self) -> None:
        """It is the one that serves from now on."""
        if not self.served:
            self.served = True
            self.save()

    def save(self) -> None:
        """Write it down, whole or not at all. Raises `HomeUnusable`."""
        record = {
            "setting": self.setting,
            "identity": self.identity,
            "served": self.served,
            "waiting": sorted(self.waiting),
        }
        fresh = self.folder / f"{RECORD}.new"
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with fresh.open("w") as file:
                json.dump(record, file)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.folder / RECORD)
        except OSError as error:
            raise HomeUnusable(f"Cannot write {fresh} ({error.strerror}); check its rights and the disk.") from error

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
