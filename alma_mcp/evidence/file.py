"""A file of evidence: frozen, and known by the hash of its bytes, so that a changed one is told from the filed one."""

import hashlib
import json
import os
from pathlib import Path
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from alma_mcp.errors import HomeUnusable, StoreError


class EvidenceFile(BaseModel):
    """What a person decides on. `called` names its kind in the sentences of failures."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    called: ClassVar[str]

    def canonical(self) -> bytes:
        """The bytes that the hash is taken of. What an older file did not have is not among them."""
        fields = self.model_dump(mode="json", exclude_defaults=True)
        return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()

    @property
    def digest(self) -> str:
        """The SHA-256 of those bytes."""
        return hashlib.sha256(self.canonical()).hexdigest()

    def save(self, folder: Path) -> None:
        """Keep it in a folder, under its hash, whole or not at all. Raises `HomeUnusable`."""
        partial = folder / f"{self.digest}.partial"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with partial.open("wb") as file:
                file.write(self.canonical())
                file.flush()
                os.fsync(file.fileno())
            partial.replace(folder / f"{self.digest}.json")
        except OSError as error:
            raise HomeUnusable(f"Cannot write {partial} ({error.strerror}); check its rights and the disk.") from error

    @classmethod
    def load(cls, folder: Path, digest: str) -> Self:
        """The one with this hash. Raises `StoreError` when it is missing or was changed."""
        named = f"The {cls.called} {digest[:12]}"
        try:
            data = (folder / f"{digest}.json").read_bytes()
        except OSError as error:
            raise StoreError(f"{named} is missing; request the promotion again.") from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise StoreError(f"{named} was changed after it was filed; request the promotion again.")
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            raise StoreError(f"{named} is of another version; request the promotion again.") from error
