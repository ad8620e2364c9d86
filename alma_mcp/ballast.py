"""Room in reserve: a full disk refuses even to forget, so a file is kept to give up then."""

import contextlib
from pathlib import Path

BYTES = 4 * 2**20


class Ballast:
    """A file of four megabytes in the home."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> None:
        """Write the file where there is none; a disk without room for it goes without."""
        if not self._path.exists():
            with contextlib.suppress(OSError):
                self._path.write_bytes(bytes(BYTES))

    def drop(self) -> bool:
        """Give the room up; False when there is none to give."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True
