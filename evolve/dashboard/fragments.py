"""Parts of a page that take long to render: made in the thread that read what they show, and kept with that."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from alma_mcp.dashboard.rendering import TEMPLATES as BASE
from alma_mcp.dashboard.rendering import ms, number, when
from alma_mcp.visible_text import visible

TEMPLATES = Path(__file__).parent / "templates"


def fragment(template: str, **values: Any) -> Markup:
    """A template of ours with these values, every text in it escaped."""
    return Markup(_environment().get_template(template).render(values))  # noqa: S704 - the environment escapes


@cache
def _environment() -> Environment:
    loader = FileSystemLoader([TEMPLATES, BASE])
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters.update(number=number, ms=ms, when=when, visible=visible)
    environment.globals["parts"] = environment.get_template("parts.html").module
    return environment
