"""One search at a time over a home."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from alma_mcp.errors import EvolveError
from evolve.at_work import search_lock

if TYPE_CHECKING:
    from evolve.cli import Context


@contextmanager
def alone(context: "Context") -> Iterator[None]:
    """While no other process searches over this home. Raises `EvolveError` where one does."""
    context.home.path.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = search_lock(context.home)
    if not lock.acquire():
        raise EvolveError(
            f"Another search is at work on {context.home.path} (process {lock.holder()}); wait for it, end it with"
            " `alma-evolve stop`, or name another folder with --home."
        )
    try:
        yield
    finally:
        lock.release()
