"""Where everything of one user lives: the home folder, its files, its lock. Standard library only."""

import contextlib
import fcntl
import hashlib
import os
import struct
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from alma_mcp.errors import HomeUnusable

LONGEST_SOCKET_PATH = 100


def default_home() -> Path:
    """The platform's folder for a user's data, with `alma-mcp` in it."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "alma-mcp"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "alma-mcp"


@dataclass(frozen=True, slots=True)
class Home:
    """The files of one user's memory."""

    path: Path

    @property
    def experiences(self) -> Path:
        return self.path / "experiences.db"

    @property
    def ledger(self) -> Path:
        return self.path / "ledger.db"

    @property
    def recordings(self) -> Path:
        return self.path / "recordings.db"

    @property
    def questions(self) -> Path:
        return self.path / "questions.db"

    @property
    def embeddings(self) -> Path:
        return self.path / "embeddings.db"

    @property
    def models(self) -> Path:
        return self.path / "models"

    @property
    def archive(self) -> Path:
        return self.path / "archive.db"

    @property
    def designs(self) -> Path:
        return self.path / "designs"

    @property
    def dossiers(self) -> Path:
        return self.path / "dossiers"

    @property
    def projections(self) -> Path:
        return self.path / "projections"

    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def episodes(self) -> Path:
        return self.path / "episodes"

    @property
    def canary(self) -> Path:
        return self.path / "canary.json"

    @property
    def approver(self) -> Path:
        return self.path / "approver.pem"

    @property
    def approvers(self) -> Path:
        """The keys of further approvers, a file each, by name."""
        return self.path / "approvers"

    @property
    def settings(self) -> Path:
        return self.path / "serve.toml"

    @property
    def redaction_key(self) -> Path:
        return self.path / "redaction.key"

    @property
    def ballast(self) -> Path:
        return self.path / "ballast"

    @property
    def engine_log(self) -> Path:
        return self.path / "engine.log"

    @property
    def lock(self) -> Path:
        return self.path / "engine.lock"

    @property
    def socket(self) -> Path:
        """The engine's Unix socket; in a private temporary folder where the home's path is too long for one."""
        inside = self.path / "engine.sock"
        if len(os.fsencode(inside)) <= LONGEST_SOCKET_PATH:
            return inside
        digest = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"alma-mcp-{os.getuid()}" / f"{digest}.sock"

    def prepare(self) -> None:
        """Make the folders, for the owner alone. Raises `HomeUnusable`."""
        for folder in (self.path, self.socket.parent):
            try:
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            except OSError as error:
                raise HomeUnusable(
                    f"Cannot create {folder} ({error.strerror}); choose another with `--home PATH`."
                ) from error
            if folder.stat().st_uid != os.getuid():
                raise HomeUnusable(f"{folder} belongs to another user; choose another with `--home PATH`.")
        if not os.access(self.path, os.W_OK):
            raise HomeUnusable(f"{self.path} is read-only; make it writable or choose another with `--home PATH`.")


_LINUX_FLOCK = "@hhqqi"
_DARWIN_FLOCK = "@qqihh"


class ProcessLock:
    """The right of one process to do a thing, such as to run the engine of a home: a POSIX record lock, which the
    system ends with its holder.

    Unlike `flock`, a record lock is not inherited by child processes, and the kernel names its holder.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Take the lock; False when another process holds it."""
        descriptor = self._open()
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None

    def holder(self) -> int | None:
        """The process id of who holds the lock now, as the kernel tells it."""
        descriptor = self._open()
        try:
            if sys.platform == "darwin":
                asked = struct.pack(_DARWIN_FLOCK, 0, 0, 0, fcntl.F_WRLCK, os.SEEK_SET)
                _, _, pid, kind, _ = struct.unpack(_DARWIN_FLOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
            else:
                asked = struct.pack(_LINUX_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
                kind, _, _, _, pid = struct.unpack(_LINUX_FLOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
        finally:
            os.close(descriptor)
        return None if kind == fcntl.F_UNLCK else pid

    def _open(self) -> int:
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise HomeUnusable(f"Cannot open {self._path} ({error.strerror}); check the rights of the home.") from error
