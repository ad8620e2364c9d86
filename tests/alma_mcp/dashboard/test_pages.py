import html

import pytest
from made_dashboard import OURS, csrf_of

from alma_mcp.dashboard.app import status_of
from alma_mcp.errors import BadRequest, DesignUnknown, StoreError


def test_a_page_says_where_it_is_and_what_else_there_is(made):
    made.count = 3
    page = made.signed_in().get("/counts").text
    assert '<a href="/counts" aria-current="page"' in page
    assert '<span class="badge">3</span>' in page
    assert "<h1>Counts</h1>" in page
    assert 'data-live="/counts"' in page


def test_after_a_form_a_page_is_shown_and_says_once_what_was_done(made):
    browser = made.signed_in()
    token = csrf_of(browser.get("/counts").text)
    answer = browser.post("/counts/add", data={"csrf": token}, headers=OURS)
    assert (answer.status_code, answer.headers["location"]) == (303, "/counts")
    assert "One more." in browser.get("/counts").text
    assert "One more." not in browser.get("/counts").text


def test_what_a_view_or_an_action_refuses_is_a_sentence_on_a_page(made):
    browser = made.signed_in()
    refused = browser.get("/counts/refused")
    assert refused.status_code == 409
    assert "There is nothing to roll back to." in refused.text
    assert 'href="/counts"' in refused.text
    token = csrf_of(browser.get("/counts").text)
    answer = browser.post("/counts/add", data={"csrf": token, "by": "none"}, headers=OURS)
    assert answer.status_code == 400
    assert "Add at least one." in answer.text


def test_an_error_that_nobody_foresaw_is_a_page_too_and_tells_nothing(made):
    answer = made.signed_in().get("/counts/broken")
    assert answer.status_code == 500
    assert "the engine&#39;s log says what" in answer.text
    assert "ZeroDivision" not in answer.text


def test_an_address_without_a_page_is_a_page(made):
    answer = made.signed_in().get("/nothing")
    assert answer.status_code == 404
    assert 'aria-label="Sections"' in answer.text


def test_a_view_may_answer_by_itself(made):
    assert made.signed_in().get("/counts/plain").text == "as it is"


def test_what_is_shown_is_never_obeyed(made):
    made.text = '<script>alert("x")</script>'
    page = made.signed_in().get("/counts").text
    assert made.text not in page
    assert html.escape(made.text, quote=False).replace('"', "&#34;") in page


@pytest.mark.parametrize(("error", "status"), [(BadRequest(""), 400), (DesignUnknown(""), 404), (StoreError(""), 500)])
def test_every_error_has_a_status(error, status):
    assert status_of(error) == status
