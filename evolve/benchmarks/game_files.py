"""Where the games of a domain lie; an archive of them is unpacked once."""

import hashlib
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from alma_mcp.errors import DataMissing
from evolve.environments import Domain

DEFAULTS: Mapping[Domain, Sequence[Path]] = {
    "alfworld": (Path("../shared/data/alfworld/alfworld_search.tar.gz"), Path("~/.cache/alfworld")),
    "textworld": (Path("../shared/data/textworld/balrog_games_dev.tar.gz"),),
}


def games_of(domain: Domain, data: Path | None, kept: Path) -> Path | None:
    """The folder of a domain's games: `data`, a folder or an archive, or else the first default that is there.

    Archives are unpacked below `kept`. None for a domain whose levels are made. Raises `DataMissing`.
    """
    if domain not in DEFAULTS:
        return None
    found = data or next((path for path in map(Path.expanduser, DEFAULTS[domain]) if path.exists()), kept / domain)
    return _unpacked(found, kept) if found.is_file() else found.absolute()


def _unpacked(archive: Path, kept: Path) -> Path:
    """The folder of an archive; whole, or not there."""
    seen = archive.stat()
    name = hashlib.sha256(f"{archive.absolute()}/{seen.st_size}/{seen.st_mtime_ns}".encode()).hexdigest()[:12]
    folder = kept / f"games-{name}"
    if folder.exists():
        return folder
    try:
        kept.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=kept) as scratch, tarfile.open(archive) as packed:
            made = Path(scratch) / "games"
            packed.extractall(made, filter="data")
            for path in (made, *made.rglob("*")):
                path.chmod(0o755 if path.is_dir() else 0o644)  # an environment is another user
            made.rename(folder)
    except (OSError, tarfile.TarError) as error:
        raise DataMissing(
            f"{archive} cannot be unpacked ({error}); name a folder of games with `--data PATH`."
        ) from error
    return folder
