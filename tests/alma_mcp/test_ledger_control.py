import time
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from promoting import FIRST, SECOND, Desk, Direct, made_dossier, made_rehearsal, rehearse

from alma_mcp.approval.account import account_name
from alma_mcp.approval.approver import Approver
from alma_mcp.approval.expired_requests import expire_requests
from alma_mcp.approval.ledger_control import ledger_handlers
from alma_mcp.approval.rules import ApprovalRules
from alma_mcp.config import ApprovalSettings
from alma_mcp.design_store import MAX_SOURCE_BYTES, Design
from alma_mcp.errors import BadRequest, LedgerError, NotApprovable
from alma_mcp.home import Home
from alma_mcp.ledger.rows import (
    Approved,
    Building,
    Enrolled,
    Expired,
    Genesis,
    Live,
    Ready,
    Rejected,
    Requested,
    RolledBack,
    Row,
)

THIRD = Design("THIRD = 3\n", "third")
DAY = 24 * 3600.0


@pytest.fixture
def desk(tmp_path):
    return Desk(Home(tmp_path))


@pytest.fixture
async def rules(desk):
    async with desk.rules() as rules:
        yield rules


@pytest.fixture
def engine(rules):
    return under(rules)


def under(rules, **settings):
    """The engine, with these settings of approvals."""
    approval = ApprovalSettings.model_validate(settings)
    ruled = ApprovalRules(rules.ledger, rules.store, rules.dossiers, approval, lambda _: (2, 9))
    return Direct(ledger_handlers(ruled, lambda: None))


def made_key():
    return Approver(Ed25519PrivateKey.generate())


@pytest.fixture
def approver():
    return made_key()


async def file_request(engine, design=SECOND):
    asked = {"source": design.source, "name": design.name, "dossier": made_dossier(design).model_dump(mode="json")}
    return await engine.request("promotions.request", asked)


async def ready_request(engine, rules, design=SECOND):
    """A request that was rehearsed; gives its number."""
    number = (await file_request(engine, design))["request"]
    await rehearse(rules, number)
    return number


async def enrol(engine, approver, name="ada", by=None):
    """Enrol a key, the first one or on another one's word."""
    content = Enrolled(approver.public_key, name, "terminal", key=by.public_key if by else "")
    await send(engine, content, by or approver)


async def send(engine, content, approver=None):
    head = await engine.request("ledger.head", {})
    row = Row(head["sequence"], time.time(), head["previous"], content)
    signature = approver.sign(row.body()) if approver else ""
    return await engine.request("ledger.append", {"body": row.body().decode(), "signature": signature})


def approval(request, design=SECOND, by="ada", approver=None):
    key = approver.public_key if approver else ""
    return Approved(design.id, made_dossier(design).evidence, request, by, "terminal", made_rehearsal().report, key)


async def test_a_request_is_filed_rehearsed_shown_approved_and_rolled_back(engine, rules, desk, approver):
    filed = await file_request(engine)
    assert filed["short"] == SECOND.short
    shown = await engine.request("promotions.show", {"reference": filed["short"]})
    assert (shown["source"], shown["champion"]["id"], shown["rehearsal"]) == (SECOND.source, FIRST.id, None)
    assert (shown["requested_by"], shown["needed"], shown["state"]) == (account_name(), 1, "requested")
    await rehearse(rules, filed["request"])
    shown = await engine.request("promotions.show", {"reference": filed["short"]})
    assert (shown["state"], shown["rehearsal"]["events"]) == ("ready", 3)
    await enrol(engine, approver)
    answer = await send(engine, approval(filed["request"]), approver)
    assert (answer["state"], [each["by"] for each in answer["approvals"]]) == ("approved", ["ada"])
    assert await desk.champion() == SECOND.id
    assert (await engine.request("promotions.list", {}))["requests"] == []
    assert (await engine.request("ledger.roll_back", {}))["id"] == FIRST.id
    assert (await rules.ledger.history())[-1].content.rolled_back_by == account_name()
    with pytest.raises(NotApprovable, match="no earlier champion"):
        await engine.request("ledger.roll_back", {})


@pytest.mark.parametrize(
    "content",
    [
        Genesis(FIRST.id),
        Requested(SECOND.id, "second", "e" * 64),
        Building(2),
        Ready(2, "f" * 64),
        Live(SECOND.id, 2),
        RolledBack(FIRST.id),
        RolledBack(SECOND.id),
        Expired(2, "because"),
    ],
)
async def test_rows_that_need_no_signature_are_the_engines_own(engine, content):
    with pytest.raises(NotApprovable, match="engine alone"):
        await send(engine, content)
    assert (await engine.request("promotions.list", {}))["requests"] == []


async def test_an_unsigned_rejection_is_refused(engine, approver):
    filed = await file_request(engine)
    await enrol(engine, approver)
    with pytest.raises(LedgerError, match="not signed"):
        await send(engine, Rejected(filed["request"], "ada", "terminal"))
    assert len((await engine.request("promotions.list", {}))["requests"]) == 1


def file_of(what, desk):
    folder, name = {
        "design": (desk.home.designs, f"{SECOND.id}.py"),
        "dossier": (desk.home.dossiers, f"{made_dossier().evidence}.json"),
        "rehearsal": (desk.home.dossiers, f"{made_rehearsal().report}.json"),
    }[what]
    return folder / name


def damage(path, how):
    path.unlink() if how == "gone" else path.write_bytes(path.read_bytes() + b" ")


@pytest.mark.parametrize("what", ["design", "dossier", "rehearsal"])
@pytest.mark.parametrize("how", ["changed", "gone"])
async def test_an_approval_is_void_when_code_or_evidence_are_not_what_was_requested(
    engine, rules, desk, approver, what, how
):
    number = await ready_request(engine, rules)
    await enrol(engine, approver)
    damage(file_of(what, desk), how)
    with pytest.raises(NotApprovable, match=r"No approval of second can hold\. The|There is no design"):
        await send(engine, approval(number), approver)
    assert await desk.champion() == FIRST.id


@pytest.mark.parametrize("what", ["design", "dossier", "rehearsal"])
@pytest.mark.parametrize("how", ["changed", "gone"])
async def test_what_is_changed_after_its_approval_is_not_served_and_the_reason_is_told(
    engine, rules, desk, approver, what, how
):
    number = await ready_request(engine, rules)
    await enrol(engine, approver)
    await send(engine, approval(number), approver)
    assert rules.standing().design.id == SECOND.id
    kept = file_of(what, desk).read_bytes()
    damage(file_of(what, desk), how)
    standing = rules.standing()
    assert standing.design.id == FIRST.id
    (told,) = standing.void
    assert told.startswith(f"the approval of second is void and {FIRST.name} serves in its place: ")
    assert what in told
    file_of(what, desk).write_bytes(kept)
    assert rules.standing().void == []


async def test_an_approval_of_an_earlier_version_without_a_rehearsal_goes_on_holding(engine, rules, approver):
    number = (await file_request(engine))["request"]
    await enrol(engine, approver)
    row = rules.ledger.draft(replace(approval(number), report=""))
    await rules.ledger.append(replace(row, signature=approver.sign(row.body())))
    assert rules.standing().design.id == SECOND.id
    assert rules.standing().void == []


async def test_nothing_is_approved_before_it_was_rehearsed(engine, rules, approver):
    number = (await file_request(engine))["request"]
    await enrol(engine, approver)
    for _ in ("requested", "building"):
        with pytest.raises(NotApprovable, match="still being rehearsed, 2 of 9 events"):
            await send(engine, replace(approval(number), report=""), approver)
        if rules.ledger.promotions()[number].state != "building":
            await rules.ledger.record(Building(number))
    assert (await engine.request("promotions.state", {"request": number}))["progress"] == (2, 9)


async def test_an_approval_of_another_rehearsal_is_refused(engine, rules, approver):
    number = await ready_request(engine, rules)
    await enrol(engine, approver)
    other = made_rehearsal(events=4)
    other.save(rules.dossiers)
    with pytest.raises(NotApprovable, match="other evidence"):
        await send(engine, replace(approval(number), report=other.report), approver)


async def test_an_approval_in_another_name_than_the_keys_is_refused(engine, rules, approver):
    number = await ready_request(engine, rules)
    await enrol(engine, approver)
    for content in (approval(number, by="grace"), Rejected(number, "grace", "terminal", approver.public_key)):
        with pytest.raises(LedgerError, match="another name"):
            await send(engine, content, approver)


async def test_two_approvers_are_two_people_and_not_two_keys(engine, rules, desk, approver):
    grace, second_key = made_key(), made_key()
    both = under(rules, needed=2)
    number = await ready_request(both, rules)
    await enrol(both, approver)
    await enrol(both, grace, "grace", by=approver)
    await enrol(both, second_key, "ada", by=approver)
    answer = await send(both, approval(number, approver=approver), approver)
    assert (answer["state"], answer["needed"], len(answer["approvals"])) == ("ready", 2, 1)
    assert await desk.champion() == FIRST.id
    for key in (approver, second_key):
        with pytest.raises(NotApprovable, match="another approver"):
            await send(both, approval(number, approver=key), key)
    answer = await send(both, approval(number, by="grace", approver=grace), grace)
    assert answer["state"] == "approved"
    assert await desk.champion() == SECOND.id


async def test_only_those_whom_the_settings_name_enrol_approve_and_reject(engine, rules, approver):
    grace = made_key()
    number = await ready_request(engine, rules)
    await enrol(engine, approver)
    named = under(rules, approvers=["grace"])
    for content in (approval(number), Rejected(number, "ada", "terminal"), Enrolled("k", "eve", "terminal")):
        with pytest.raises(NotApprovable, match=r"not among the approvers that serve\.toml names: grace"):
            await send(named, content, approver)
    await enrol(named, grace, "grace", by=approver)
    assert (await send(named, approval(number, by="grace", approver=grace), grace))["state"] == "approved"


async def test_a_request_that_needs_fewer_approvers_than_before_is_a_doubt_and_too_few_are_refused(
    engine, rules, approver
):
    await file_request(under(rules, needed=2), THIRD)
    number = await ready_request(engine, rules)
    shown = await engine.request("promotions.show", {"reference": SECOND.id})
    assert shown["doubts"] == ["It needs 1 approver; the request before it needed 2."]
    await enrol(engine, approver)
    with pytest.raises(NotApprovable, match=r"serve\.toml for 2 by now"):
        await send(under(rules, needed=2), approval(number), approver)


MET = {"benchmarks": ["made"], "tasks": 20, "agents": []}


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({**MET, "benchmarks": ["locomo", "alfworld"]}, "asks for a gate on locomo or alfworld"),
        ({**MET, "tasks": 21}, "at least 21 tasks; 20 were compared"),
        ({**MET, "agents": ["gpt-5-mini/low"]}, "asks that gpt-5-mini/low played; no agent did"),
    ],
)
async def test_a_minimum_of_evidence_is_told_before_and_cannot_be_overruled(engine, rules, approver, asked, sentence):
    number = await ready_request(engine, rules)
    await enrol(engine, approver)
    strict = under(rules, minimum_evidence=asked)
    shown = await strict.request("promotions.show", {"reference": SECOND.id})
    assert sentence in " ".join(shown["unmet"])
    with pytest.raises(NotApprovable, match=sentence):
        await send(strict, approval(number), approver)
    met = under(rules, minimum_evidence=MET)
    assert (await met.request("promotions.show", {"reference": SECOND.id}))["unmet"] == []
    assert (await send(met, approval(number), approver))["state"] == "approved"


async def test_a_request_for_the_champion_is_refused(engine, rules, approver):
    await enrol(engine, approver)
    await send(engine, approval(await ready_request(engine, rules)), approver)
    with pytest.raises(NotApprovable, match="second is the champion already"):
        await file_request(engine)


async def test_a_champion_whose_file_was_changed_can_be_requested_again(engine, rules, desk, approver):
    await enrol(engine, approver)
    await send(engine, approval(await ready_request(engine, rules)), approver)
    damage(file_of("rehearsal", desk), "gone")
    assert (await file_request(engine))["short"] == SECOND.short


async def test_a_request_that_nobody_decides_expires(engine, rules):
    number = (await file_request(engine))["request"]
    filed = rules.ledger.promotions()[number].requested_at
    await expire_requests(rules.ledger, filed + 30 * DAY, 30)
    assert number in rules.ledger.requests()
    await expire_requests(rules.ledger, filed + 30 * DAY + 1, 30)
    assert rules.ledger.requests() == {}
    told = await engine.request("promotions.state", {"request": number})
    assert (told["state"], told["reason"]) == ("expired", "nobody decided within 30 days")


@pytest.mark.parametrize("name", ["", "..", "a/b", "two words", "\u202eevil", "n" * 65])
async def test_a_name_that_is_none_enrols_nobody(engine, approver, name):
    with pytest.raises(BadRequest, match="name is up to 64"):
        await enrol(engine, approver, name)


@pytest.mark.parametrize("params", [{}, {"request": "2"}, {"request": True}])
async def test_the_state_of_no_request_is_told_in_a_sentence(engine, params):
    with pytest.raises(BadRequest, match="needs a number"):
        await engine.request("promotions.state", params)
    with pytest.raises(NotApprovable, match="no such promotion"):
        await engine.request("promotions.state", {"request": 99})


@pytest.mark.parametrize(
    "changes",
    [
        {"source": 5},
        {"source": "\ud800"},
        {"source": "#" * (MAX_SOURCE_BYTES + 1)},
        {"name": "two\nlines"},
        {"name": "\x1b[2J"},
        {"name": "n" * 101},
        {"dossier": {}},
        {"dossier": None},
        {"dossier": "text"},
    ],
)
async def test_a_request_that_is_none_is_told_in_a_sentence_and_stores_nothing(engine, tmp_path, changes):
    asked = {"source": SECOND.source, "name": "second", "dossier": made_dossier().model_dump(mode="json")}
    with pytest.raises(BadRequest):
        await engine.request("promotions.request", {**asked, **changes})
    assert (await engine.request("promotions.list", {}))["requests"] == []
    assert not (tmp_path / "designs").exists()


async def test_a_dossier_about_another_design_is_refused(engine):
    dossier = made_dossier(Design("OTHER = 1", "other")).model_dump(mode="json")
    with pytest.raises(NotApprovable, match="another design"):
        await engine.request("promotions.request", {"source": SECOND.source, "name": "second", "dossier": dossier})


@pytest.mark.parametrize("params", [{}, {"body": 5, "signature": ""}, {"body": "{}", "signature": None}])
async def test_an_append_without_a_row_is_told_in_a_sentence(engine, params):
    with pytest.raises(BadRequest, match="needs a text"):
        await engine.request("ledger.append", params)


async def test_a_signature_over_another_row_is_refused(engine, rules, approver):
    number = await ready_request(engine, rules)
    await enrol(engine, approver)
    head = await engine.request("ledger.head", {})
    row = Row(head["sequence"], time.time(), head["previous"], approval(number))
    signature = approver.sign(replace(row, at=row.at + 1).body())
    with pytest.raises(LedgerError, match="not signed"):
        await engine.request("ledger.append", {"body": row.body().decode(), "signature": signature})
