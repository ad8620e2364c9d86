"""Approving, rejecting, rolling back and enrolling keys in the dashboard, by passphrase and by passkey."""

import logging

import pytest
from deciding import PASSPHRASE, made_place
from fido2.utils import websafe_encode
from software_passkey import SoftwarePasskey
from three_dossiers import CHAMPION, clear_win, one_kind_worse, smuggled_knowledge

from alma_mcp.ledger.rows import Approved, Enrolled, Rejected, RolledBack

KEYS = "/promotions/keys"


@pytest.fixture
async def place(tmp_path):
    async with made_place(tmp_path) as place:
        yield place


@pytest.fixture
async def browser(place):
    async with place.browser() as browser:
        yield browser


@pytest.fixture
def passkey():
    return SoftwarePasskey()


async def decided(place):
    """The rows of the ledger that say what a person decided."""
    return [each.content for each in await place.ledger.history() if isinstance(each.content, Approved | Rejected)]


async def enrol_first(browser, passkey, name="ann"):
    """Make the first key of the home a passkey; gives what the page says then."""
    await browser.open(KEYS)
    made = passkey.create(await browser.ask(f"{KEYS}/begin", name=name))
    asked = await browser.ask(f"{KEYS}/register", by="itself", **made)
    return await browser.send(f"{KEYS}/sign", **passkey.get(asked))


async def on_page(browser, place, number, path=""):
    """Open the page of a request; gives the fields that its form takes, with the typed id."""
    await browser.open(f"/promotions/{number}{path}")
    fields = {"typed": place.ledger.promotions()[number].design[:12], "read": browser.hidden("read")}
    return {**fields, "against": "yes"} if path else fields


async def test_a_passphrase_approves(place, browser):
    await place.enrol()
    number = await place.file(clear_win())
    before = place.changes
    fields = await on_page(browser, place, number)
    text = await browser.send(f"/promotions/{number}/decide", decision="approve", passphrase=PASSPHRASE, **fields)
    assert "Approved: hybrid takes over as soon as it has caught up." in text
    assert "Approved by ann through dashboard" in text
    [row] = await decided(place)
    asked = place.ledger.promotions()[number]
    assert (row.design, row.evidence, row.report) == (asked.design, asked.evidence, asked.report)
    assert (row.approved_by, row.channel, row.key) == ("ann", "dashboard", place.ledger.enrolled_keys()[0].public_key)
    assert place.ledger.champion() == asked.design
    assert place.changes > before


async def test_a_passphrase_is_neither_echoed_nor_logged_nor_kept(place, browser, caplog):
    caplog.set_level(logging.DEBUG)
    await place.enrol()
    number = await place.file(clear_win())
    for passphrase in (PASSPHRASE[::-1], PASSPHRASE):
        fields = await on_page(browser, place, number)
        await browser.send(f"/promotions/{number}/decide", decision="approve", passphrase=passphrase, **fields)
        assert passphrase not in browser.html
    assert await decided(place)
    assert PASSPHRASE not in caplog.text
    assert not [
        file for file in place.home.path.rglob("*") if file.is_file() and PASSPHRASE.encode() in file.read_bytes()
    ]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"passphrase": "wrong horse"}, "The passphrase is wrong"),
        ({"passphrase": ""}, "Type your passphrase, or use a passkey"),
        ({"typed": "ff"}, "The id that you typed is not"),
        ({"typed": ""}, "The id that you typed is not"),
        ({"decision": "maybe"}, "Approve it or reject it"),
        ({"read": "another.state.entirely"}, "The evidence or the champion changed since you loaded the page"),
    ],
)
async def test_what_is_not_right_is_refused_with_a_sentence_and_nothing_is_decided(place, browser, change, sentence):
    await place.enrol()
    number = await place.file(clear_win())
    fields = await on_page(browser, place, number)
    given = {"decision": "approve", "passphrase": PASSPHRASE, **fields, **change}
    assert sentence in await browser.send(f"/promotions/{number}/decide", **given)
    assert await decided(place) == []
    assert place.ledger.champion() == CHAMPION.id


async def test_a_rejection_is_signed_as_well(place, browser):
    await place.enrol()
    number = await place.file(smuggled_knowledge())
    fields = await on_page(browser, place, number)
    wrong = await browser.send(f"/promotions/{number}/decide", decision="reject", passphrase="no no no", **fields)
    assert "The passphrase is wrong" in wrong
    assert await decided(place) == []
    text = await browser.send(f"/promotions/{number}/decide", decision="reject", passphrase=PASSPHRASE, **fields)
    assert "Rejected: sharper is not promoted." in text
    assert [type(each) for each in await decided(place)] == [Rejected]
    assert place.ledger.champion() == CHAMPION.id


async def test_against_the_evidence_takes_a_second_step(place, browser):
    await place.enrol()
    number = await place.file(one_kind_worse())
    fields = await on_page(browser, place, number)
    action, given = f"/promotions/{number}/decide", {"decision": "approve", "passphrase": PASSPHRASE}
    assert "It FAILED the gate" in await browser.send(action, **given, **fields)
    assert await decided(place) == []
    fields = await on_page(browser, place, number, "/against")
    assert "The evidence speaks against it" in browser.html
    assert "Approved: newest_first" in await browser.send(action, **given, **fields)
    assert [type(each) for each in await decided(place)] == [Approved]


async def test_evidence_that_the_settings_ask_for_cannot_be_overruled(tmp_path):
    async with made_place(tmp_path, minimum_evidence={"tasks": 200}) as place, place.browser() as browser:
        await place.enrol()
        number = await place.file(clear_win())
        asks = "This home asks for at least 200 tasks; 80 were compared."
        fields = await on_page(browser, place, number)
        for path in ("/against", ""):
            assert asks in await browser.open(f"/promotions/{number}{path}")
            assert 'value="approve"' not in browser.html
        for against in ("", "yes"):
            given = {"decision": "approve", "passphrase": PASSPHRASE, "against": against, **fields}
            assert asks in await browser.send(f"/promotions/{number}/decide", **given)
        assert await decided(place) == []


async def test_what_is_not_rehearsed_yet_cannot_be_approved(place, browser):
    await place.enrol()
    number = await place.file(clear_win(), ready=False)
    fields = await on_page(browser, place, number)
    given = {"decision": "approve", "passphrase": PASSPHRASE, **fields}
    assert "still being rehearsed" in await browser.send(f"/promotions/{number}/decide", **given)
    assert await decided(place) == []


async def test_two_approvers_are_two_keys(tmp_path, passkey):
    async with made_place(tmp_path, needed=2) as place, place.browser() as browser:
        await place.enrol()
        await browser.open(KEYS)
        made = passkey.create(await browser.ask(f"{KEYS}/begin", name="ben"))
        assert await browser.ask(f"{KEYS}/register", by="passphrase", passphrase=PASSPHRASE, **made) == {"done": KEYS}
        number = await place.file(clear_win())
        fields = await on_page(browser, place, number)
        given = {"decision": "approve", **fields}
        text = await browser.send(f"/promotions/{number}/decide", passphrase=PASSPHRASE, **given)
        assert "Your approval of hybrid counts: 1 of 2." in text
        again = await browser.send(f"/promotions/{number}/decide", passphrase=PASSPHRASE, **given)
        assert "ann has approved it already" in again
        asked = await browser.ask(f"/promotions/{number}/draft", **given)
        text = await browser.send(f"/promotions/{number}/sign", **passkey.get(asked))
        assert "Approved: hybrid takes over" in text
        assert [each.approved_by for each in await decided(place)] == ["ann", "ben"]


async def test_a_first_passkey_enrols_itself_and_approves(place, browser, passkey):
    number = await place.file(clear_win())
    assert "Nobody may decide here yet" in await browser.open(f"/promotions/{number}")
    text = await enrol_first(browser, passkey)
    assert "The passkey is enrolled" in text
    assert "nobody: it is the first" in text
    [key] = place.ledger.enrolled_keys()
    assert (key.name, key.method, key.channel, key.first) == ("ann", "passkey", "dashboard", True)
    fields = await on_page(browser, place, number)
    asked = await browser.ask(f"/promotions/{number}/draft", decision="approve", **fields)
    assert (asked["userVerification"], asked["rpId"]) == ("required", "localhost")
    assert [each["id"] for each in asked["allowCredentials"]] == [key.credential]
    text = await browser.send(f"/promotions/{number}/sign", **passkey.get(asked))
    assert "Approved: hybrid takes over" in text
    [row] = await decided(place)
    assert (row.approved_by, row.channel, row.key) == ("ann", "dashboard", key.public_key)


async def test_a_passkey_is_enrolled_on_the_word_of_another_passkey(place, browser, passkey):
    await enrol_first(browser, passkey)
    other = SoftwarePasskey()
    asked = await browser.ask(f"{KEYS}/begin", name="ben")
    assert [each["id"] for each in asked["excludeCredentials"]] == [place.ledger.enrolled_keys()[0].credential]
    asked = await browser.ask(f"{KEYS}/register", by="passkey", **other.create(asked))
    refused = await browser.send(f"{KEYS}/sign", **other.get(asked))
    assert "not this passkey's word" in refused
    asked = await browser.ask(f"{KEYS}/begin", name="ben")
    asked = await browser.ask(f"{KEYS}/register", by="passkey", **other.create(asked))
    await browser.send(f"{KEYS}/sign", **passkey.get(asked))
    assert [(each.name, each.first) for each in place.ledger.enrolled_keys()] == [("ann", True), ("ben", False)]


@pytest.mark.parametrize(
    ("wrong", "client"),
    [
        ({"origin": "http://localhost.evil.example"}, {}),
        ({"origin": "http://localhost:9999"}, {}),
        ({"verifies": False}, {}),
        ({"rp_id": "evil.example"}, {}),
        ({}, {"challenge": "YW5vdGhlciBjaGFsbGVuZ2U"}),
        ({}, {"type": "webauthn.get"}),
        ({}, {"crossOrigin": True}),
    ],
)
async def test_a_passkey_that_was_made_otherwise_is_not_enrolled(place, browser, wrong, client):
    await browser.open(KEYS)
    made = SoftwarePasskey(**wrong).create(await browser.ask(f"{KEYS}/begin", name="ann"), **client)
    asked = await browser.ask(f"{KEYS}/register", by="itself", **made)
    assert "no passkey that can be enrolled" in asked["problem"]
    assert place.ledger.enrolled_keys() == []


async def test_a_passkey_is_not_enrolled_behind_an_approvers_back(place, browser, passkey):
    await place.enrol()
    await browser.open(KEYS)
    for given in ({"by": "itself"}, {"by": "passkey"}, {"by": "passphrase", "passphrase": "wrong horse"}):
        made = passkey.create(await browser.ask(f"{KEYS}/begin", name="mallory"))
        assert (await browser.ask(f"{KEYS}/register", **given, **made))["problem"]
    assert [each.name for each in place.ledger.enrolled_keys()] == ["ann"]
    assert [type(each.content) for each in await place.ledger.history()].count(Enrolled) == 1


@pytest.mark.parametrize(
    "garbled",
    [
        {"client": "%%%"}, {"client": "e30"}, {"client": websafe_encode(b"[" * 100_000)},
        {"attestation": ""}, {"attestation": "AAAA"}, {"attestation": websafe_encode(b"\x81" * 100_000)},
    ],
)  # fmt: skip
async def test_what_is_no_passkey_at_all_is_told(place, browser, passkey, garbled):
    await browser.open(KEYS)
    made = passkey.create(await browser.ask(f"{KEYS}/begin", name="ann"))
    asked = await browser.ask(f"{KEYS}/register", by="itself", **{**made, **garbled})
    assert "no passkey that can be enrolled" in asked["problem"]


async def test_an_approvers_name_is_one(place, browser):
    await browser.open(KEYS)
    assert "choose such a one" in (await browser.ask(f"{KEYS}/begin", name="<b>ann</b>"))["problem"]


@pytest.mark.parametrize(
    ("wrong", "client"),
    [
        ({"origin": "https://evil.example"}, {}),
        ({"verifies": False}, {}),
        ({"rp_id": "evil.example"}, {}),
        ({}, {"challenge": "YW5vdGhlciBjaGFsbGVuZ2U"}),
        ({}, {"type": "webauthn.create"}),
        ({}, {"crossOrigin": True}),
    ],
)
async def test_a_word_of_a_passkey_that_was_given_otherwise_decides_nothing(place, browser, passkey, wrong, client):
    await enrol_first(browser, passkey)
    number = await place.file(clear_win())
    fields = await on_page(browser, place, number)
    asked = await browser.ask(f"/promotions/{number}/draft", decision="approve", **fields)
    word = SoftwarePasskey(secret=passkey.secret, **wrong).get(asked, **client)
    assert "That is not this passkey's word for this" in await browser.send(f"/promotions/{number}/sign", **word)
    assert await decided(place) == []


async def test_a_word_counts_once_and_within_two_minutes_and_for_its_own_request(place, browser, passkey):
    await enrol_first(browser, passkey)
    first, second = await place.file(clear_win()), await place.file(one_kind_worse())
    fields = await on_page(browser, place, first)
    draft, sign = f"/promotions/{first}/draft", f"/promotions/{first}/sign"
    word = passkey.get(await browser.ask(draft, decision="approve", **fields))
    other = await browser.send(f"/promotions/{second}/sign", **word)
    assert "asked about something else" in other
    assert "not begun here" in await browser.send(sign, **word)

    await on_page(browser, place, first)
    word = passkey.get(await browser.ask(draft, decision="reject", **fields))
    place.clock.seconds += 121
    assert "older than two minutes" in await browser.send(sign, **word)
    assert await decided(place) == []

    word = passkey.get(await browser.ask(draft, decision="reject", **fields))
    assert "Rejected" in await browser.send(sign, **word)
    await browser.open(f"/promotions/{second}")
    assert "not begun here" in await browser.send(sign, **word)
    assert [type(each) for each in await decided(place)] == [Rejected]


async def test_another_visit_cannot_use_what_was_drafted(place, browser, passkey):
    await enrol_first(browser, passkey)
    number = await place.file(clear_win())
    fields = await on_page(browser, place, number)
    word = passkey.get(await browser.ask(f"/promotions/{number}/draft", decision="approve", **fields))
    async with place.browser() as other:
        await other.open(f"/promotions/{number}")
        assert "not begun here" in await other.send(f"/promotions/{number}/sign", **word)
    assert await decided(place) == []
    assert "Approved" in await browser.send(f"/promotions/{number}/sign", **word)


async def test_another_sites_form_decides_nothing(place, browser):
    await place.enrol()
    number = await place.file(clear_win())
    fields = await on_page(browser, place, number)
    data = {"decision": "approve", "passphrase": PASSPHRASE, **fields}
    for sent, headers in (
        ({**data, "csrf": browser.hidden("csrf")}, {"origin": "https://evil.example"}),
        ({**data, "csrf": "guessed"}, {"origin": "http://localhost:8377"}),
    ):
        answer = await browser.client.post(f"/promotions/{number}/decide", data=sent, headers=headers)
        assert answer.status_code == 403
    assert await decided(place) == []


async def test_a_rollback_needs_no_key_and_says_what_it_does(place, browser):
    await place.enrol()
    assert "there is none to go back to" in await browser.open("/promotions")
    number = await place.file(clear_win())
    fields = await on_page(browser, place, number)
    await browser.send(f"/promotions/{number}/decide", decision="approve", passphrase=PASSPHRASE, **fields)
    text = await browser.open("/promotions")
    assert "lexical answers again at once, and hybrid no more. Everything learnt since is kept." in text
    to = browser.hidden("to")
    assert "Rolled back: lexical answers again." in await browser.send("/promotions/rollback", to=to)
    assert place.ledger.champion() == CHAMPION.id
    row = (await place.ledger.history())[-1].content
    assert isinstance(row, RolledBack)
    assert row.channel == "dashboard"
    assert "no earlier champion" in await browser.send("/promotions/rollback", to=to)
