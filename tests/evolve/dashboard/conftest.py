"""The pages Evolution and Runs over a home, as a browser that is signed in sees them."""

import re
import subprocess
import sys
from html import unescape

import pytest
from made_archive import Person, fill
from starlette.testclient import TestClient

from alma_mcp.dashboard.app import build_app
from alma_mcp.dashboard.live import Streams
from alma_mcp.dashboard.visits import Visits
from evolve.dashboard import sections

PORT = 8377
ORIGIN = f"http://localhost:{PORT}"
OURS = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}
HOLDING = """
import sys
from pathlib import Path
from alma_mcp.home import ProcessLock
assert ProcessLock(Path(sys.argv[1])).acquire()
print("held", flush=True)
sys.stdin.read()
"""


class Pages:
    """What a person reads at one home."""

    def __init__(self, home):
        self.home = home
        visits = Visits(lambda: 1.0)
        app = build_app(sections(home), visits, Streams(), PORT, lambda: 2_000_000.0)
        self._browser = TestClient(app, ORIGIN, follow_redirects=False, raise_server_exceptions=False)
        self._browser.post(f"/enter/{visits.new_link()}", headers=OURS)

    def source(self, path, status=200):
        answer = self._browser.get(path)
        assert answer.status_code == status, answer.text
        return answer.text

    def reads(self, path, status=200):
        """The words of a page, without its tags."""
        main = self.source(path, status).partition("<main")[2]
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", main)).split())

    def links(self, path):
        """Where a page leads, in its order."""
        return [
            unescape(each) for each in re.findall(r'<a [^>]*href="([^"]*)"', self.source(path).partition("<main")[2])
        ]

    def presses(self, page, action):
        """Send the only form of this action on a page; gives the answer."""
        found = self.source(page)
        assert f'action="{action}"' in found
        csrf = re.search(r'name="csrf" value="([^"]+)"', found).group(1)
        return self._browser.post(action, headers=OURS, content=f"csrf={csrf}")

    def sends(self, action, body=""):
        return self._browser.post(action, headers=OURS, content=body)


@pytest.fixture
def nobody(tmp_path, capsys):
    """A person whose home is empty."""
    return Person(tmp_path / "home", capsys)


@pytest.fixture
def person(nobody):
    with nobody.archive() as archive:
        fill(archive)
    return nobody


@pytest.fixture
def pages(person):
    return Pages(person.home)


@pytest.fixture
def empty_pages(nobody):
    return Pages(nobody.home)


@pytest.fixture
def at_work(nobody):
    """Another process that searches over the home; gives its id."""
    nobody.home.path.mkdir(exist_ok=True)
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", HOLDING, str(nobody.home.path / "search.lock")]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process.pid
        process.stdin.close()
