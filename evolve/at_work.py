"""The search at work over a home: which process it is, and how it is asked to end."""

from pathlib import Path

from alma_mcp.errors import EvolveError
from alma_mcp.home import Home, ProcessLock


def search_lock(home: Home) -> ProcessLock:
    """Whoever holds it searches."""
    return ProcessLock(home.path / "search.lock")


def stop_file(home: Home) -> Path:
    """While it is there, a search begins nothing new."""
    return home.path / "stop-search"


def searching(home: Home) -> int | None:
    """The process that searches over a home now, if there is one."""
    return search_lock(home).holder() if (home.path / "search.lock").exists() else None


def ask_to_stop(home: Home) -> int:
    """Have the search end once what is in flight is through; gives its process. Raises `EvolveError` where none is."""
    if not (holder := searching(home)):
        raise EvolveError(f"No search is at work on {home.path}.")
    stop_file(home).touch()
    return holder
