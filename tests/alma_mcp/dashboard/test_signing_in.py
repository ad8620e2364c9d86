import pytest
from made_dashboard import OURS, Made, csrf_of

from alma_mcp.dashboard.visits import LINK_SECONDS, MOST_LINKS, VISIT_SECONDS


def test_without_a_session_every_page_says_what_to_run(made):
    browser = made.browser()
    for path in ("/", "/counts", "/nothing", "/live?path=/counts"):
        answer = browser.get(path)
        assert answer.status_code == 401
        assert "alma-mcp dashboard" in answer.text
        assert "So many" not in answer.text


def test_a_link_signs_in_the_browser_that_opens_it(made):
    browser = made.browser()
    link = made.link()
    page = browser.get(link)
    assert f'action="{link}"' in page.text
    assert "set-cookie" not in page.headers
    answer = browser.post(link, headers=OURS)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert browser.get("/").headers["location"] == "/champion"
    assert "So many: 0" in browser.get("/counts").text


def test_to_look_at_a_link_does_not_use_it_up(made):
    link = made.link()
    made.browser().get(link)
    assert made.browser().post(link, headers=OURS).status_code == 303


def test_an_old_link_signs_nobody_in_again(made):
    link = made.link()
    assert made.browser().post(link, headers=OURS).status_code == 303
    again = made.browser()
    answer = again.post(link, headers=OURS)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert again.get("/counts").status_code == 401


def test_a_link_is_good_for_two_minutes(made):
    link = made.link()
    made.clock.seconds += LINK_SECONDS
    assert made.browser().post(link, headers=OURS).status_code == 403


def test_a_link_that_nobody_was_given_is_none(made):
    assert made.browser().post("/enter/guessed", headers=OURS).status_code == 403


def test_of_many_unused_links_the_newest_are_good(made):
    first, *others = [made.link() for _ in range(MOST_LINKS + 1)]
    assert made.browser().post(first, headers=OURS).status_code == 403
    assert all(made.browser().post(link, headers=OURS).status_code == 303 for link in others)


def test_a_visit_ends_when_nobody_has_looked_for_long(made):
    browser = made.signed_in()
    made.clock.seconds += VISIT_SECONDS - 1
    assert browser.get("/counts").status_code == 200
    made.clock.seconds += VISIT_SECONDS - 1
    assert browser.get("/counts").status_code == 200
    made.clock.seconds += VISIT_SECONDS
    assert browser.get("/counts").status_code == 401


def test_the_session_of_another_engine_opens_nothing(made, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    stranger = Made(other).signed_in()
    browser = made.browser()
    browser.cookies = stranger.cookies
    assert browser.get("/counts").status_code == 401


@pytest.mark.parametrize("key", ["", "x", "0" * 43])
def test_a_cookie_that_was_made_up_opens_nothing(made, key):
    browser = made.browser()
    assert browser.get("/counts", headers={"Cookie": f"alma-mcp-8377={key}"}).status_code == 401


def test_who_signs_out_is_signed_out_and_nobody_else(made):
    browser, other = made.signed_in(), made.signed_in()
    token = csrf_of(browser.get("/counts").text)
    key = dict(browser.cookies)["alma-mcp-8377"]
    assert browser.post("/leave", data={"csrf": token}, headers=OURS).status_code == 303
    assert browser.get("/counts", headers={"Cookie": f"alma-mcp-8377={key}"}).status_code == 401
    assert other.get("/counts").status_code == 200


def test_signing_out_needs_the_form_of_the_visit(made):
    browser = made.signed_in()
    key = dict(browser.cookies)["alma-mcp-8377"]
    browser.post("/leave", data={"csrf": "guessed"}, headers=OURS)
    assert browser.get("/counts", headers={"Cookie": f"alma-mcp-8377={key}"}).status_code == 200
