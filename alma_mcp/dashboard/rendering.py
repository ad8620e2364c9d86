"""Pages out of templates: where these lie, what is at hand in them, and the part of a page that changes."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from alma_mcp.dashboard.markdown import markdown
from alma_mcp.dashboard.section import Section, Shown
from alma_mcp.dashboard.visits import Visit
from alma_mcp.visible_text import visible

TEMPLATES = Path(__file__).parent / "templates"
SHORT = 12
LIVE = re.compile("<!--live-->(.*)<!--/live-->", re.DOTALL)
NAVIGATION = re.compile("<!--nav-->(.*)<!--/nav-->", re.DOTALL)
MINUTE, HOUR, DAY = 60, 3600, 86_400


@dataclass(frozen=True, slots=True)
class Entry:
    """A section as the navigation shows it."""

    title: str
    path: str
    badge: str
    here: bool


class Pages:
    """Renders the pages of these sections. `clock` gives seconds since the epoch, UTC."""

    def __init__(self, sections: Sequence[Section], clock: Callable[[], float]) -> None:
        self._sections = sections
        self._clock = clock
        self._environment = _environment(section.templates for section in sections)

    def page(self, shown: Shown, visit: Visit, path: str, here: Section | None) -> str:
        """A whole page for a visit; what was to be said once is said."""
        entries = [Entry(each.title, each.path, each.badge(), each is here) for each in self._sections]
        given = {
            "sections": entries,
            "here": next((entry for entry in entries if entry.here), None),
            "path": path,
            "csrf": Markup('<input type="hidden" name="csrf" value="{}">').format(visit.csrf),
            "said": None,
        }
        return self._render(shown.template, {**given, **shown.values})

    def live(self, shown: Shown, visit: Visit, path: str, here: Section | None) -> Mapping[str, str]:
        """The parts of a page that change while it is open."""
        page = self.page(shown, visit, path, here)
        return {name: _part(pattern, page) for name, pattern in (("live", LIVE), ("sections", NAVIGATION))}

    def plain(self, template: str, values: Mapping[str, Any]) -> str:
        """A page for somebody who is not signed in."""
        return self._render(template, values)

    def _render(self, template: str, values: Mapping[str, Any]) -> str:
        return self._environment.get_template(template).render({"now": self._clock(), **values})


def _environment(folders: Iterable[Path]) -> Environment:
    loaders = [FileSystemLoader(folder) for folder in dict.fromkeys([TEMPLATES, *folders])]
    environment = Environment(
        loader=ChoiceLoader(loaders), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters.update(
        when=when, ago=ago, number=number, short=short, ms=ms, visible=visible, markdown=markdown
    )
    environment.globals["parts"] = environment.get_template("parts.html").module
    return environment


def _part(pattern: re.Pattern[str], page: str) -> str:
    found = pattern.search(page)
    return found.group(1) if found else ""


def when(seconds: float | None) -> Markup:
    """A moment (seconds since the epoch) as a `<time>` in UTC, to the minute."""
    if not seconds:
        return Markup("never")
    moment = datetime.fromtimestamp(seconds, UTC)
    text = f"{moment.day} {moment:%b %Y, %H:%M}"
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
        f"{moment:%Y-%m-%dT%H:%M:%SZ}", f"{moment:%Y-%m-%d %H:%M:%S}", text
    )


@pass_context
def ago(context: Context, seconds: float | None) -> Markup:
    """How long ago a moment was, in steps so coarse that a page does not change all the time."""
    if not seconds:
        return Markup("never")
    moment = datetime.fromtimestamp(seconds, UTC)
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
        f"{moment:%Y-%m-%dT%H:%M:%SZ}", f"{moment:%Y-%m-%d %H:%M:%S}", _age(context["now"] - seconds)
    )


def _age(seconds: float) -> str:
    if seconds < MINUTE:
        return "just now"
    if seconds < HOUR:
        return f"{seconds / MINUTE:.0f} min ago"
    if seconds < 2 * DAY:
        return f"{seconds / HOUR:.0f} h ago"
    return f"{seconds / DAY:.0f} days ago"


def number(value: float) -> str:
    """A count or a measurement, its thousands set apart."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}".rstrip("0").rstrip(".")


def short(identifier: str) -> Markup:
    """The first characters of an id; the whole of it is its title."""
    return Markup('<code title="{}">{}</code>').format(visible(identifier), visible(identifier[:SHORT]))


def ms(seconds: float | None) -> str:
    """A duration in seconds, as people say it."""
    if seconds is None:
        return "\N{EN DASH}"
    if seconds >= MINUTE:
        return f"{seconds / MINUTE:,.1f} min"
    if seconds >= 1:
        return f"{seconds:.1f} s"
    thousandths = seconds * 1000
    return f"{thousandths:.0f} ms" if thousandths >= 10 else f"{thousandths:.1f} ms"
