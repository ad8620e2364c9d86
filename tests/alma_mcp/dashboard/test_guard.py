"""What others may try: another site, another name, a form of their own, a path of their own."""

import pytest
from made_dashboard import ORIGIN, OURS, PORT, csrf_of
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from alma_mcp.dashboard.guard import LARGEST_BODY, Guard

OTHERS = {
    "no origin": {"Origin": None},
    "another site": {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    "another program of this machine": {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"},
    "our address under another scheme": {"Origin": f"https://localhost:{PORT}"},
    "an address instead of the name": {"Origin": f"http://127.0.0.1:{PORT}"},
    "an origin that is hidden": {"Origin": "null"},
    "an origin that lies and a browser that does not": {"Sec-Fetch-Site": "cross-site"},
}


@pytest.mark.parametrize("how", OTHERS)
def test_a_form_of_another_page_does_nothing(made, how):
    browser = made.signed_in()
    token = csrf_of(browser.get("/counts").text)
    headers = {name: value for name, value in {**OURS, **OTHERS[how]}.items() if value is not None}
    assert browser.post("/counts/add", data={"csrf": token}, headers=headers).status_code == 403
    assert made.count == 0
    assert browser.post("/counts/add", data={"csrf": token}, headers=OURS).status_code == 303
    assert made.count == 1


@pytest.mark.parametrize("how", OTHERS)
def test_a_link_is_not_used_up_by_another_page(made, how):
    link = made.link()
    headers = {name: value for name, value in {**OURS, **OTHERS[how]}.items() if value is not None}
    assert made.browser().post(link, headers=headers).status_code == 403
    assert made.browser().post(link, headers=OURS).status_code == 303


def test_a_form_without_the_token_of_its_visit_does_nothing(made):
    browser, other = made.signed_in(), made.signed_in()
    foreign = csrf_of(other.get("/counts").text)
    for data in ({}, {"csrf": ""}, {"csrf": "guessed"}, {"csrf": foreign}):
        answer = browser.post("/counts/add", data=data, headers=OURS)
        assert answer.status_code == 403
        assert "reload the page" in answer.text
    assert made.count == 0


def test_a_form_without_a_session_does_nothing(made):
    token = csrf_of(made.signed_in().get("/counts").text)
    assert made.browser().post("/counts/add", data={"csrf": token}, headers=OURS).status_code == 401
    assert made.count == 0


@pytest.mark.parametrize("host", ["evil.example", f"evil.example:{PORT}", "localhost", "localhost:1", "localhost.", ""])
def test_a_name_that_leads_here_by_a_trick_is_no_name_of_ours(made, host):
    browser = made.signed_in()
    answer = browser.get("/counts", headers={"Host": host})
    assert answer.status_code == 421
    assert "So many" not in answer.text


@pytest.mark.parametrize(("port", "status"), [(80, 200), (PORT, 421)])
def test_a_browser_leaves_out_the_port_of_the_web_and_no_other(port, status):
    browser = TestClient(Guard(PlainTextResponse("hello"), port), base_url="http://localhost")
    assert browser.get("/").status_code == status


def test_the_address_leads_to_the_name(made):
    for host in (f"127.0.0.1:{PORT}", f"[::1]:{PORT}"):
        answer = made.browser().get("/counts?a=1", headers={"Host": host})
        assert answer.headers["location"] == f"{ORIGIN}/counts?a=1"
    assert made.browser().post("/counts/add", headers={**OURS, "Host": f"127.0.0.1:{PORT}"}).status_code == 421


@pytest.mark.parametrize("mode", ["no-cors", "cors", "websocket"])
@pytest.mark.parametrize("site", ["same-site", "cross-site"])
def test_another_page_cannot_load_a_page_of_ours(made, site, mode):
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": "empty"}
    assert made.signed_in().get("/counts", headers=headers).status_code == 403


def test_another_page_can_link_to_us_and_not_frame_us(made):
    browser = made.signed_in()
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert browser.get("/counts", headers=link).status_code == 200
    assert browser.get("/counts", headers={**link, "Sec-Fetch-Dest": "iframe"}).status_code == 403


@pytest.mark.parametrize("path", ["/counts", "/", "/nothing", "/static/dashboard.css", "/static/nothing.css"])
def test_every_answer_tells_the_browser_to_be_careful(made, path):
    for browser in (made.browser(), made.signed_in()):
        headers = browser.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_nothing_but_get_and_post_is_answered(made, method):
    assert made.signed_in().request(method, "/counts").status_code == 405


@pytest.mark.parametrize("kind", ["application/json", "text/plain", ""])
def test_what_is_no_form_is_refused(made, kind):
    browser = made.signed_in()
    assert browser.post("/counts/add", content=b"{}", headers={**OURS, "Content-Type": kind}).status_code == 415


def test_a_form_that_is_too_large_is_refused_whatever_it_says_of_its_length(made):
    browser = made.signed_in()
    token = csrf_of(browser.get("/counts").text)
    told = f"csrf={token}&text={'x' * LARGEST_BODY}".encode()
    assert browser.post("/counts/add", content=told, headers=OURS).status_code == 413
    assert browser.post("/counts/add", content=iter([told]), headers=OURS).status_code == 413
    assert made.count == 0


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e%2f%2e%2e%2fengine.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/dashboard.css%00.py",
        "/static/",
    ],
)
def test_no_path_leads_out_of_the_static_files(made, path):
    answer = made.signed_in().get(path)
    assert answer.status_code == 404
    assert "import" not in answer.text
