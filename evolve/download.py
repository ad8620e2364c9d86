"""A large file from the web, taken up where it broke off, and only ever in its place when it is the right one."""

import hashlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from alma_mcp.errors import DataMissing, EvolveError

CHUNK = 2**20
TIMEOUT_SECONDS = 60.0

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """Where a file is had, and which bytes it is."""

    url: str
    bytes: int
    sha256: str


def download(file: RemoteFile, to: Path, progress: Progress) -> bool:
    """Bring the file to `to`; gives whether anything had to be fetched. `progress` gets bytes done and in all.

    What has come so far is in `to` with `.partial` behind its name; the next call goes on from there. Raises
    `DataMissing` where it cannot be had or is another file, and `EvolveError` where it cannot be written.
    """
    if urlsplit(file.url).scheme not in ("http", "https"):
        raise DataMissing(f"{file.url} is no address of the web; `--url` takes one that begins with https://.")
    partial = to.with_name(to.name + ".partial")
    try:
        if to.exists():
            _check_present(file, to)
            return False
        to.parent.mkdir(parents=True, exist_ok=True)
        _fetch(file, partial, progress)
        _check_arrived(file, partial)
        partial.replace(to)
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        raise DataMissing(
            f"Cannot get {file.url} ({error}); the same command goes on where this one was, `--url` names a mirror."
        ) from error
    except OSError as error:
        raise EvolveError(
            f"Cannot write {partial} ({error.strerror or error}); name another place with `--to PATH`."
        ) from error
    return True


def _check_present(file: RemoteFile, to: Path) -> None:
    if not to.is_file() or to.stat().st_size != file.bytes or _sha256(to) != file.sha256:
        raise DataMissing(f"{to} is there and is not this file; move it away, or name another place with `--to PATH`.")


def _check_arrived(file: RemoteFile, partial: Path) -> None:
    size = partial.stat().st_size
    if size < file.bytes:
        raise DataMissing(
            f"{file.url} broke off after {size:,} of {file.bytes:,} bytes; the same command goes on from there."
        )
    if size > file.bytes or (found := _sha256(partial)) != file.sha256:
        partial.unlink()
        what = (
            f"more than {file.bytes:,} bytes" if size > file.bytes else f"the hash {found[:12]}, not {file.sha256[:12]}"
        )
        raise DataMissing(f"{file.url} is another file: it has {what}. Nothing was kept; try `--url` with a mirror.")


def _fetch(file: RemoteFile, partial: Path, progress: Progress) -> None:
    """Append what is missing; begin again where the server knows no ranges."""
    done = partial.stat().st_size if partial.exists() else 0
    if done >= file.bytes:
        return
    request = urllib.request.Request(file.url, headers={"Range": f"bytes={done}-"} if done else {})  # noqa: S310 - checked
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - the scheme was checked
        done = done if answer.status == http.HTTPStatus.PARTIAL_CONTENT else 0
        with partial.open("ab" if done else "wb") as target:
            while done <= file.bytes and (chunk := answer.read(CHUNK)):
                target.write(chunk)
                done += len(chunk)
                progress(done, file.bytes)


def _sha256(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
