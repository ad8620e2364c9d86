"""Sections that other packages add, by the entry point group `alma_mcp.dashboard`."""

import logging
from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint, entry_points

from alma_mcp.dashboard.section import Section
from alma_mcp.home import Home

GROUP = "alma_mcp.dashboard"
ORDER = ("Memories", "Champion", "Evolution", "Promotions", "Runs", "Scopes", "Audit")

log = logging.getLogger("alma_mcp.dashboard")


def plugin_sections(home: Home, found: Sequence[EntryPoint] | None = None) -> tuple[list[Section], list[str]]:
    """The sections that installed packages add, and a sentence for each package whose sections cannot be had."""
    sections: list[Section] = []
    problems: list[str] = []
    for entry in entry_points(group=GROUP) if found is None else found:
        try:
            make: Callable[[Home], Sequence[Section]] = entry.load()
            sections += make(home)
        except Exception as error:
            log.exception("the sections of %s cannot be shown", entry.value)
            problems.append(f"The pages of {entry.value} cannot be shown ({type(error).__name__}: {error}).")
    return sections, problems


def in_order(sections: Sequence[Section]) -> list[Section]:
    """The sections as the navigation shows them; those of others behind our own."""
    return sorted(sections, key=lambda each: ORDER.index(each.title) if each.title in ORDER else len(ORDER))
