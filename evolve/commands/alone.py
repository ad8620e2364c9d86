"""One search at a time over a home: who it is, and how it is asked to end."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from alma_mcp.errors import EvolveError
from alma_mcp.home import ProcessLock

if TYPE_CHECKING:
    from evolve.cli import Context


@contextmanager
def alone(context: "Context") -> Iterator[None]:
    """While no other process searches over this home. Raises `EvolveError` where one does."""
    context.home.path.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = search_lock(context)
    if not lock.acquire():
        raise EvolveError(
            f"Another search is at work on {context.home.path} (process {lock.holder()}); wait for it, end it with"
            " `alma-evolve stop`, or name another folder with --home."
        )
    try:
        yield
    finally:
        lock.release()


def search_lock(context: "Context") -> ProcessLock:
    """Whoever holds it searches."""
    return ProcessLock(context.home.path / "search.lock")


def stop_file(context: "Context") -> Path:
    """While it is there, a search begins nothing new."""
    return context.home.path / "stop-search"
