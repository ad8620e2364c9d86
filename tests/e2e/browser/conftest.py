"""A real browser before a real engine's dashboard: Chromium, driven by Playwright, that talks to this machine alone."""

import asyncio
import contextlib
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from lived_in import live_in
from playwright.async_api import async_playwright
from window import PATIENCE_MS, WIDE, Visitor

PROGRAMS = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)  # fmt: skip
OPTIONS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture
async def browser():
    """Chromium, or a test that says loudly that there is none."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("no Chromium here: install the package `chromium` to test the dashboard in a browser")
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=program, args=OPTIONS)
        yield started
        await started.close()


def link_to(machine):
    """A one-time link, as a person gets it."""
    done = machine.command("dashboard", "--no-open", "--port", "0")
    assert done.returncode == 0, done.stderr
    return re.search(r"http://localhost:\d+/enter/\S+", done.stdout).group()


@pytest.fixture
def visit(browser, machine):
    """Opens the machine's dashboard in a window; when it is left, nothing may have gone wrong in it."""

    @contextlib.asynccontextmanager
    async def visit(size=WIDE, *, script=True):
        link = await asyncio.to_thread(link_to, machine)
        context = await browser.new_context(viewport={"width": size[0], "height": size[1]}, java_script_enabled=script)
        context.set_default_timeout(PATIENCE_MS)
        page = await context.new_page()
        visitor = Visitor(page, link)
        visitor.listen()
        await page.goto(link)
        if not script:
            await page.get_by_role("button", name="Open the dashboard").click()
        await page.wait_for_url(lambda url: "/enter/" not in url)
        yield visitor
        await context.close()
        assert not visitor.trouble

    return visit


@pytest.fixture
async def lived_in(machine):
    """The machine after weeks of use: memories, feedback, questions, a search, three promotions that wait."""
    return await live_in(machine)


RENAME = """([from, to]) => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) texts.currentNode.nodeValue = texts.currentNode.nodeValue.replaceAll(from, to);
}"""


@dataclass(frozen=True)
class Pictures:
    """Where screenshots are kept: the folder that `--pictures` names, or one that goes with the test.

    The test's own `place` is shown as a folder that reads better.
    """

    folder: Path
    place: Path

    async def take(self, page, name):
        await page.evaluate(RENAME, [str(self.place), "/home/you"])
        await page.screenshot(path=self.folder / f"{name}.png", animations="disabled")


@pytest.fixture
def pictures(request, tmp_path):
    wanted = request.config.getoption("--pictures")
    folder = Path(wanted) if wanted else tmp_path / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    return Pictures(folder, tmp_path)
