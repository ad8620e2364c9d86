"""What an agent is made of, as a short hash: other code, prompts or settings are another agent."""

import hashlib
from collections.abc import Iterable
from pathlib import Path


def version_of(files: Iterable[Path], settings: str = "") -> str:
    """Eight hexadecimal digits over the names and bytes of files, in the order of their names, and over settings."""
    made_of = hashlib.sha256(settings.encode())
    for file in sorted(files, key=lambda file: file.name):
        made_of.update(f"\n{file.name}\n".encode() + file.read_bytes())
    return made_of.hexdigest()[:8]
