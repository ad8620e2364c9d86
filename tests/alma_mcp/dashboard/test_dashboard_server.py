"""Where the dashboard listens, and how long the engine counts as in use for it."""

import asyncio
import contextlib
import socket
import urllib.request
from dataclasses import dataclass, replace
from typing import Any

import pytest

from alma_mcp.dashboard.plugins import in_order, plugin_sections
from alma_mcp.dashboard.server import DashboardServer
from alma_mcp.errors import BadRequest
from alma_mcp.home import Home
from alma_mcp.loopback import bind_localhost


@contextlib.asynccontextmanager
async def serving(made, default_port=0):
    server = DashboardServer(lambda: [made.section()], default_port)
    try:
        yield server
    finally:
        await server.close()


@pytest.fixture
def taken():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


async def test_where_the_usual_port_is_taken_another_one_is_chosen_and_that_is_said(made, taken):
    async with serving(made, taken) as server:
        opened = await server.open()
        assert f":{taken}/" not in opened.url
        assert f"Port {taken} is taken" in opened.note


async def test_where_a_port_that_was_named_is_taken_nothing_listens(made, taken):
    async with serving(made) as server:
        with pytest.raises(BadRequest, match="choose another port"):
            await server.open(taken)


def test_a_port_of_which_another_program_holds_one_address_is_not_taken():
    try:
        other = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError as error:
        pytest.skip(f"cannot run here: there is no IPv6 ({error})")
    with other, pytest.raises(BadRequest, match="choose another port"):
        bind_localhost(other.getsockname()[1])


async def test_another_port_is_not_opened_beside_the_first(made):
    async with serving(made) as server:
        first = await server.open()
        second = await server.open(1)
        assert second.url.rpartition("/enter/")[0] == first.url.rpartition("/enter/")[0]
        assert "already" in second.note


async def test_a_dashboard_that_nobody_opened_keeps_no_engine_and_one_that_is_looked_at_does(made):
    async with serving(made) as server:
        assert server.idle_seconds() == float("inf")
        opened = await server.open()
        await in_thread(opened.url)
        assert server.idle_seconds() < 3600


async def in_thread(url: str) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def get() -> None:
        with opener.open(url, timeout=30) as answer:
            answer.read()

    await asyncio.to_thread(get)


@dataclass
class Entry:
    value: str
    made: Any

    def load(self):
        if isinstance(self.made, Exception):
            raise self.made
        return lambda home: self.made


def test_a_package_whose_pages_cannot_be_loaded_takes_no_other_with_it(made, tmp_path):
    found = [Entry("broken:sections", ImportError("no such module")), Entry("good:sections", [made.section()])]
    sections, problems = plugin_sections(Home(tmp_path), found)
    assert [each.title for each in sections] == ["Counts"]
    assert "broken:sections" in problems[0]
    assert "no such module" in problems[0]


def test_sections_of_others_stand_behind_ours(made):
    titles = ["Extra", "Audit", "Memories", "Champion"]
    sections = [replace(made.section(), title=title) for title in titles]
    assert [each.title for each in in_order(sections)] == ["Memories", "Champion", "Audit", "Extra"]
