"""A dashboard of made-up sections, as a browser that behaves sees it, and as one that does not."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from alma_mcp.dashboard.app import build_app
from alma_mcp.dashboard.flash import say
from alma_mcp.dashboard.live import Streams
from alma_mcp.dashboard.section import Section, Shown
from alma_mcp.dashboard.visits import Visits
from alma_mcp.errors import BadRequest, NotApprovable

PORT = 8377
ORIGIN = f"http://localhost:{PORT}"
OURS = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}
TEMPLATE = """{% extends "page.html" %}{% block title %}Counts{% endblock %}
{% block still %}<form method="post" action="/counts/add">{{ csrf }}<button>Add</button></form>{% endblock %}
{% block live %}<p id="count">{{ text }} {{ count | number }}</p>{% endblock %}"""


@dataclass
class Clock:
    seconds: float = 1_000_000.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Made:
    """The application, and what stands behind its pages."""

    folder: Path
    count: int = 0
    text: str = "So many:"
    clock: Clock = field(default_factory=Clock)
    streams: Streams = field(default_factory=lambda: Streams(pause=0.01))

    def __post_init__(self) -> None:
        (self.folder / "counts.html").write_text(TEMPLATE)
        self.visits = Visits(self.clock)
        self.app = build_app([self.section()], self.visits, self.streams, PORT, self.clock)

    def section(self) -> Section:
        async def show(request):
            return Shown("counts.html", {"count": self.count, "text": self.text})

        async def refuse(request):
            raise NotApprovable("There is nothing to roll back to.")

        async def break_down(request):
            raise ZeroDivisionError

        async def plain(request):
            return PlainTextResponse("as it is")

        async def add(request, form):
            if form.get("by") == "none":
                raise BadRequest("Add at least one.")
            self.count += 1
            say(request, "One more.")
            return "/counts"

        views = {
            "/counts": show, "/champion": show, "/counts/refused": refuse, "/counts/broken": break_down,
            "/counts/plain": plain,
        }  # fmt: skip
        return Section("Counts", "/counts", self.folder, views, {"/counts/add": add}, lambda: str(self.count or ""))

    def browser(self) -> TestClient:
        """A browser that has not been here."""
        return TestClient(self.app, ORIGIN, follow_redirects=False, raise_server_exceptions=False)

    def link(self) -> str:
        return f"/enter/{self.visits.new_link()}"

    def signed_in(self) -> TestClient:
        browser = self.browser()
        assert browser.post(self.link(), headers=OURS).status_code == 303
        return browser


def csrf_of(page: str) -> str:
    return re.search(r'name="csrf" value="([^"]+)"', page).group(1)


@pytest.fixture
def made(tmp_path):
    return Made(tmp_path)
