"""A design as a person names it."""

from alma_mcp.design_store import Design
from alma_mcp.errors import DesignUnknown
from evolve.archive import Archive, Entry


def find_design(archive: Archive, reference: str) -> Design:
    """A design of the archive, a bundled one, or a file. Raises `DesignUnknown`, or `StoreError` for a bad file."""
    try:
        return archive.design(archive.entry(reference))
    except DesignUnknown as unknown:
        try:
            return archive.store.find(reference)
        except DesignUnknown as neither:
            raise DesignUnknown(f"{unknown} {neither}") from None


def names_of(entries: list[Entry]) -> dict[str, str]:
    """What the designs are called, by id."""
    return {entry.id: entry.name for entry in entries}
