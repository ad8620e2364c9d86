"""What the dashboard is made of: sections, each a place in the navigation with its addresses and its templates.

A section knows neither how a visitor is signed in, nor how a form is guarded, nor how a page stays live: `app` does
that for all of them. Other packages add sections by the entry point group `alma_mcp.dashboard`, each a function of a
`Home` that gives a sequence of them.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response


@dataclass(frozen=True, slots=True)
class Shown:
    """A page to render: a template of its section, and the values it is given.

    A template extends `page.html`. Its block `live` is rendered again and again and sent to whoever looks at the page;
    what a person types into belongs in the block `still`, which is not.
    """

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200


View = Callable[[Request], Awaitable[Shown | Response]]
"""Shows a page and changes nothing. Raises an `AlmaError` for what cannot be shown; its sentence is shown instead."""

Action = Callable[[Request, FormData], Awaitable[str | Response]]
"""Does what a form asks, and gives the path to show then. Whoever sent the form is signed in, and sent it from here.

Raises an `AlmaError` for what cannot be done; its sentence is shown instead.
"""


def no_badge() -> str:
    """Nothing beside the name of a section."""
    return ""


@dataclass(frozen=True, slots=True)
class Section:
    """One entry of the navigation. `views` (GET) and `actions` (POST) are keyed by Starlette's paths, which all begin
    with `path`; `badge` is a few characters beside the title, such as the number of what waits for a person.
    """

    title: str
    path: str
    templates: Path
    views: Mapping[str, View]
    actions: Mapping[str, Action] = field(default_factory=dict)
    badge: Callable[[], str] = no_badge
