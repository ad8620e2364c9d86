"""The dashboard of a real engine, opened as a person opens it, and looked at without a browser's forbearance."""

import http.cookiejar
import re
import socket
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field


@dataclass
class Browser:
    """Keeps cookies, follows redirects, and sends forms as a browser does."""

    origin: str
    jar: http.cookiejar.CookieJar = field(default_factory=http.cookiejar.CookieJar)

    def get(self, path: str) -> tuple[int, str]:
        return self._open(urllib.request.Request(self.origin + path))

    def post(self, path: str, origin: str = "", **form: str) -> tuple[int, str]:
        data = urllib.parse.urlencode(form).encode()
        return self._open(urllib.request.Request(self.origin + path, data, {"Origin": origin or self.origin}))

    def _open(self, request: urllib.request.Request) -> tuple[int, str]:
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self.jar)
        )
        try:
            with opener.open(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()


def opened(machine, *arguments: str) -> tuple[Browser, str]:
    """What `alma-mcp dashboard` prints: where it is, and the path of a link."""
    done = machine.command("dashboard", "--no-open", *arguments)
    assert done.returncode == 0, done.stderr
    origin, path = re.search(r"(http://localhost:\d+)(/enter/\S+)", done.stdout).groups()
    return Browser(origin), path


def test_a_person_opens_the_dashboard_and_looks_at_every_page(machine):
    browser, link = opened(machine, "--port", "0")
    assert browser.get("/champion")[0] == 401
    status, page = browser.post(link)
    assert (status, "<h1>Champion</h1>" in page) == (200, True)
    assert "lexical" in page
    for path in re.findall(r'<li><a href="(/[a-z]+)"', page):
        status, page = browser.get(path)
        assert status == 200, path
        assert f'<a href="{path}" aria-current="page"' in page


def test_a_second_link_leads_to_the_same_dashboard_and_an_old_one_nowhere(machine):
    browser, link = opened(machine, "--port", "0")
    other, another = opened(machine)
    assert (other.origin, another != link) == (browser.origin, True)
    assert browser.post(link)[0] == other.post(another)[0] == 200
    replayed = Browser(browser.origin)
    assert replayed.post(link)[0] == 403
    assert replayed.get("/champion")[0] == 401


def test_no_other_site_can_sign_in_or_send_a_form(machine):
    browser, link = opened(machine, "--port", "0")
    assert browser.post(link, origin="https://evil.example")[0] == 403
    assert browser.post(link)[0] == 200
    assert browser.post("/leave", origin="http://localhost:3000")[0] == 403
    assert browser.get("/champion")[0] == 200


def test_a_session_ends_with_its_engine(machine):
    browser, link = opened(machine, "--port", "0")
    assert browser.post(link)[0] == 200
    port = browser.origin.rpartition(":")[2]
    machine.kill_engine()
    again, _ = opened(machine, "--port", port)
    assert again.origin == browser.origin
    status, page = browser.get("/champion")
    assert (status, "alma-mcp dashboard" in page) == (401, True)


def test_a_port_that_is_taken_is_not_shared(machine):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = machine.command("dashboard", "--no-open", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "choose another port" in done.stderr


async def test_scopes_show_who_is_connected(machine):
    async with machine.client() as client:
        await client.call_tool("update", {"text": "The cache is in Redis."})
        browser, link = opened(machine, "--port", "0")
        browser.post(link)
        page = browser.get("/scopes")[1]
    assert machine.project.name in page
    assert "mcp" in re.search(r'data-label="Client">([^<]*)', page).group(1)
