import asyncio
import hashlib
import json
import sqlite3
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from alma_mcp.approval.approver import Approver
from alma_mcp.design_store import Design
from alma_mcp.errors import ChainBroken, NotApprovable
from alma_mcp.ledger.champion_ledger import ChampionLedger
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
    parse_row,
)
from alma_mcp.ledger.state import Champion

FIRST = Design("FIRST = 1", "first")
SECOND = Design("SECOND = 2", "second")
THIRD = Design("THIRD = 3", "third")
EVIDENCE = "e" * 64


async def open_ledger(path):
    return await ChampionLedger.open(path, FIRST, lambda design_id: design_id == FIRST.id)


@pytest.fixture
async def ledger(tmp_path):
    ledger = await open_ledger(tmp_path / "ledger.db")
    yield ledger
    await ledger.close()


def made_key():
    return Approver(Ed25519PrivateKey.generate())


@pytest.fixture
def approver():
    return made_key()


async def sign(ledger, approver, content):
    row = ledger.draft(content)
    await ledger.append(replace(row, signature=approver.sign(row.body())))
    return row


async def enrol(ledger, approver):
    await sign(ledger, approver, Enrolled(approver.public_key))


async def request(ledger, design=SECOND):
    row = ledger.draft(Requested(design.id, design.name, EVIDENCE))
    await ledger.append(row)
    return row.sequence


def approval(number, design=SECOND, evidence=EVIDENCE):
    return Approved(design.id, evidence, number, "person", "terminal")


async def promote(ledger, approver, design=SECOND):
    await sign(ledger, approver, approval(await request(ledger, design), design))


async def test_a_new_home_begins_with_a_bundled_design(ledger):
    assert ledger.champion() == FIRST.id
    assert not ledger.broken


async def test_a_signed_approval_makes_a_champion_that_survives_reopening(ledger, approver, tmp_path):
    await enrol(ledger, approver)
    await promote(ledger, approver)
    assert ledger.champion() == SECOND.id
    again = await open_ledger(tmp_path / "ledger.db")
    assert again.champion() == SECOND.id
    assert again.champions() == [Champion(SECOND.id, 3), Champion(FIRST.id)]
    assert len(await again.history()) == 4
    await again.close()


async def test_an_approval_without_a_signature_is_refused(ledger, approver):
    await enrol(ledger, approver)
    with pytest.raises(ChainBroken):
        await ledger.append(ledger.draft(approval(await request(ledger))))
    assert ledger.champion() == FIRST.id


async def test_an_approval_by_another_key_is_refused(ledger, approver):
    await enrol(ledger, approver)
    stranger = made_key()
    number = await request(ledger)
    with pytest.raises(ChainBroken):
        await sign(ledger, stranger, approval(number))
    assert ledger.champion() == FIRST.id


async def test_a_second_key_cannot_be_enrolled_behind_the_persons_back(ledger, approver):
    await enrol(ledger, approver)
    stranger = made_key()
    with pytest.raises(NotApprovable):
        await enrol(ledger, stranger)


async def test_an_approval_before_any_key_is_enrolled_is_refused(ledger, approver):
    number = await request(ledger)
    with pytest.raises(ChainBroken):
        await sign(ledger, approver, approval(number))


async def test_an_approval_cannot_be_replayed(ledger, approver):
    await enrol(ledger, approver)
    number = await request(ledger)
    row = ledger.draft(approval(number))
    signed = replace(row, signature=approver.sign(row.body()))
    await ledger.append(signed)
    await ledger.append(ledger.draft(RolledBack(FIRST.id)))
    with pytest.raises(ChainBroken):
        await ledger.append(signed)
    with pytest.raises(NotApprovable):
        await sign(ledger, approver, approval(number))
    assert ledger.champion() == FIRST.id


@pytest.mark.parametrize("content", [approval(3, THIRD), approval(3, evidence="f" * 64), approval(99)])
async def test_an_approval_binds_the_request_its_design_and_its_evidence(ledger, approver, content):
    await enrol(ledger, approver)
    assert await request(ledger) == 3
    with pytest.raises(NotApprovable):
        await sign(ledger, approver, content)


async def test_a_rejection_closes_its_request(ledger, approver):
    await enrol(ledger, approver)
    number = await request(ledger)
    await sign(ledger, approver, Rejected(number, "person", "terminal"))
    assert ledger.requests() == {}
    with pytest.raises(NotApprovable):
        await sign(ledger, approver, approval(number))


async def test_rollback_goes_back_step_by_step_and_no_further_than_the_first(ledger, approver):
    await enrol(ledger, approver)
    await promote(ledger, approver, SECOND)
    await promote(ledger, approver, THIRD)
    for expected in (SECOND, FIRST):
        assert ledger.previous() == expected.id
        await ledger.append(ledger.draft(RolledBack(expected.id)))
        assert ledger.champion() == expected.id
    with pytest.raises(NotApprovable, match="no earlier champion"):
        ledger.previous()


async def test_a_rollback_cannot_bring_a_design_that_was_never_champion(ledger, approver):
    await enrol(ledger, approver)
    await promote(ledger, approver)
    with pytest.raises(NotApprovable):
        await ledger.append(ledger.draft(RolledBack(THIRD.id)))


async def test_a_second_beginning_is_refused(ledger):
    with pytest.raises(ChainBroken):
        await ledger.append(ledger.draft(Genesis(FIRST.id)))


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE ledger SET body = replace(body, '{second}', '{third}') WHERE sequence = 4",
        "UPDATE ledger SET signature = '' WHERE sequence = 4",
        "DELETE FROM ledger WHERE sequence = 3",
        "UPDATE ledger SET body = 'nonsense' WHERE sequence = 3",
        "UPDATE ledger SET hash = 'x' WHERE sequence = 4",
    ],
)
async def test_an_edited_database_is_not_believed_and_the_last_verified_champion_stays(
    ledger, approver, tmp_path, damage
):
    await enrol(ledger, approver)
    await promote(ledger, approver)
    with sqlite3.connect(tmp_path / "ledger.db") as raw:
        raw.execute("DROP TRIGGER ledger_keeps_rows")
        raw.execute("DROP TRIGGER ledger_loses_none")
        raw.execute(damage.format(second=SECOND.id, third=THIRD.id))
    raw.close()
    again = await open_ledger(tmp_path / "ledger.db")
    assert again.champion() == FIRST.id
    assert "not believed" in again.broken
    with pytest.raises(ChainBroken, match="backup"):
        await again.append(again.draft(Requested(THIRD.id, "third", EVIDENCE)))
    await again.close()


def edit(path, sql, *values):
    """Change the table as whoever owns the file can."""
    with sqlite3.connect(path) as raw:
        raw.execute("DROP TRIGGER IF EXISTS ledger_keeps_rows")
        raw.execute("DROP TRIGGER IF EXISTS ledger_loses_none")
        raw.execute(sql, values)
    raw.close()


def forged(sequence, previous, **values):
    """Body and hash of a row in which everything holds but the types of its values."""
    body = {"sequence": sequence, "at": 1.0, "previous": previous, **values}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return text, hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "requested", "design": [1], "name": "x", "evidence": EVIDENCE},
        {"kind": "requested", "design": 5, "name": "x", "evidence": EVIDENCE},
        {"kind": "requested", "design": "../../secret", "name": "x", "evidence": EVIDENCE},
        {"kind": "enrolled", "public_key": 5},
        {"kind": ["enrolled"]},
        {"kind": "requested", "design": SECOND.id, "name": "x", "evidence": EVIDENCE, "at": "now"},
        {"kind": "requested", "design": SECOND.id, "name": "x", "evidence": EVIDENCE, "at": float("nan")},
    ],
)
async def test_a_forged_row_with_foreign_values_does_not_stop_the_engine(ledger, tmp_path, values):
    first = (await ledger.history())[0]
    body, its_hash = forged(2, first.hash, **values)
    edit(tmp_path / "ledger.db", "INSERT INTO ledger VALUES (2, ?, '', ?)", body, its_hash)
    again = await open_ledger(tmp_path / "ledger.db")
    await again.close()
    assert again.champion() == FIRST.id
    assert "behind row 1 is not believed" in again.broken


@pytest.mark.parametrize("column", ["body", "signature", "hash"])
@pytest.mark.parametrize("value", [b"\xff\xfe", "\u202e", "[" * 200_000, 7])
async def test_bytes_that_are_no_row_do_not_stop_the_engine(ledger, approver, tmp_path, column, value):
    await enrol(ledger, approver)
    await promote(ledger, approver)
    edit(tmp_path / "ledger.db", f"UPDATE ledger SET {column} = CAST(? AS TEXT) WHERE sequence = 4", value)
    again = await open_ledger(tmp_path / "ledger.db")
    await again.close()
    assert again.champion() == FIRST.id
    assert "behind row 3 is not believed" in again.broken


async def test_a_row_that_was_moved_is_not_believed(ledger, approver, tmp_path):
    await enrol(ledger, approver)
    await promote(ledger, approver)
    edit(tmp_path / "ledger.db", "UPDATE ledger SET sequence = 9 WHERE sequence = 4")
    again = await open_ledger(tmp_path / "ledger.db")
    await again.close()
    assert again.champion() == FIRST.id
    assert again.broken


@pytest.mark.parametrize("body", ["[]", "5", '"x"', "{}", '{"a":1', "[" * 200_000, "\ud800"])
def test_a_text_that_is_no_row_is_refused_with_a_sentence(body):
    with pytest.raises(ChainBroken):
        parse_row(body, "")


async def test_a_new_release_of_a_bundled_design_keeps_what_a_person_approved(ledger, approver, tmp_path):
    await enrol(ledger, approver)
    await promote(ledger, approver, SECOND)
    await promote(ledger, approver, THIRD)
    await ledger.roll_back()
    newer = Design("FIRST = 1.1", "first")
    again = await ChampionLedger.open(tmp_path / "ledger.db", newer, lambda design_id: design_id == newer.id)
    assert not again.broken
    assert again.champion() == SECOND.id
    await again.roll_back()
    assert again.champion() == newer.id
    await again.close()


async def test_a_forged_beginning_brings_no_design_that_nobody_approved(ledger, tmp_path):
    body, its_hash = forged(1, "", kind="genesis", design=THIRD.id)
    edit(tmp_path / "ledger.db", "UPDATE ledger SET body = ?, hash = ?", body, its_hash)
    again = await open_ledger(tmp_path / "ledger.db")
    await again.close()
    assert again.champion() == FIRST.id
    assert THIRD.id not in [each.design for each in again.champions()]


async def test_a_ledger_begins_with_nothing_but_a_bundled_design(tmp_path):
    with pytest.raises(ChainBroken, match="bundled"):
        await ChampionLedger.open(tmp_path / "other.db", SECOND, lambda design_id: design_id == FIRST.id)


async def test_requests_at_the_same_time_each_get_a_row(ledger):
    asked = [Requested(design.id, design.name, EVIDENCE) for design in (SECOND, THIRD, SECOND, THIRD)]
    rows = await asyncio.gather(*(ledger.record(each) for each in asked))
    assert [row.sequence for row in rows] == [2, 3, 4, 5]
    assert not ledger.broken


async def test_of_two_rows_for_one_place_the_second_is_refused(ledger):
    rows = [ledger.draft(Requested(design.id, design.name, EVIDENCE)) for design in (SECOND, THIRD)]
    answers = await asyncio.gather(*map(ledger.append, rows), return_exceptions=True)
    assert answers[0] is None
    assert isinstance(answers[1], ChainBroken)
    assert [asked.design for asked in ledger.requests().values()] == [SECOND.id]


async def test_a_row_that_was_forged_from_a_guessed_head_is_refused(ledger):
    with pytest.raises(ChainBroken, match="does not follow"):
        await ledger.append(Row(2, 1.0, "0" * 64, Requested(SECOND.id, "second", EVIDENCE)))


async def test_nothing_to_roll_back_to_is_told(ledger):
    with pytest.raises(NotApprovable, match="no earlier champion"):
        await ledger.roll_back()


async def test_rows_cannot_be_changed_by_accident(ledger, tmp_path):
    with sqlite3.connect(tmp_path / "ledger.db") as raw, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        raw.execute("DELETE FROM ledger")
    raw.close()


REPORT = "d" * 64
PATHS = {
    "requested": (),
    "building": ("building",),
    "ready": ("building", "ready"),
    "approved": ("building", "ready", "approved"),
    "live": ("building", "ready", "approved", "live"),
    "replaced": ("building", "ready", "approved", "live", "another"),
    "rolled_back": ("building", "ready", "approved", "live", "rolled_back"),
    "rejected": ("building", "rejected"),
    "expired": ("expired",),
}
NEXT = {
    "building": {"requested", "building"},
    "ready": {"building"},
    "approved": {"requested", "building", "ready"},
    "rejected": {"requested", "building", "ready"},
    "expired": {"requested", "building", "ready"},
    "live": {"approved"},
    "rolled_back": {"approved", "live"},
}


async def step(ledger, approver, number, kind):
    """Write a row of this kind about a request for SECOND."""
    asked = ledger.promotions()[number]
    match kind:
        case "building":
            await ledger.record(Building(number))
        case "ready":
            await ledger.record(Ready(number, REPORT))
        case "approved":
            word = Approved(SECOND.id, EVIDENCE, number, "ada", "terminal", asked.report, approver.public_key)
            await sign(ledger, approver, word)
        case "rejected":
            await sign(ledger, approver, Rejected(number, "ada", "terminal", approver.public_key))
        case "live":
            await ledger.record(Live(SECOND.id, number))
        case "rolled_back":
            await ledger.roll_back("ada", "terminal", "it forgets")
        case "expired":
            await ledger.record(Expired(number, "nobody came"))
        case "another":
            other = await request(ledger, THIRD)
            await sign(ledger, approver, Approved(THIRD.id, EVIDENCE, other, "ada", "terminal"))
            await ledger.record(Live(THIRD.id, other))


@pytest.mark.parametrize("kind", NEXT)
@pytest.mark.parametrize("state", PATHS)
async def test_a_promotion_moves_along_its_states_and_nowhere_else(ledger, approver, state, kind):
    await sign(ledger, approver, Enrolled(approver.public_key, "ada", "terminal"))
    number = await request(ledger)
    for each in PATHS[state]:
        await step(ledger, approver, number, each)
    assert ledger.promotions()[number].state == state
    rows = len(await ledger.history())
    if state in NEXT[kind]:
        await step(ledger, approver, number, kind)
        assert ledger.promotions()[number].state == kind
    elif (state, kind) == ("replaced", "rolled_back"):
        await step(ledger, approver, number, kind)
        assert ledger.promotions()[number].state == "live"
    else:
        with pytest.raises((NotApprovable, ChainBroken)):
            await step(ledger, approver, number, kind)
        assert ledger.promotions()[number].state == state
        assert len(await ledger.history()) == rows


async def test_every_state_survives_reopening(ledger, approver, tmp_path):
    await sign(ledger, approver, Enrolled(approver.public_key, "ada", "terminal"))
    number = await request(ledger)
    for kind in PATHS["rolled_back"]:
        await step(ledger, approver, number, kind)
    again = await open_ledger(tmp_path / "ledger.db")
    await again.close()
    assert not again.broken
    assert again.promotions() == ledger.promotions()
    told = again.promotions()[number]
    assert (told.state, told.reason, told.report) == ("rolled_back", "it forgets", REPORT)
    assert again.enrolled_keys() == ledger.enrolled_keys()


async def test_a_second_request_for_a_design_ends_the_first(ledger):
    first, second = await request(ledger), await request(ledger)
    assert ledger.promotions()[first].state == "expired"
    assert ledger.promotions()[first].reason == f"requested again as {second}"
    assert list(ledger.requests()) == [second]


async def test_a_request_cannot_ask_for_no_approval_at_all(ledger):
    with pytest.raises(ChainBroken, match="no approval at all"):
        await ledger.record(Requested(SECOND.id, "second", EVIDENCE, needed=0))


async def test_a_key_that_was_replaced_signs_nothing_any_more(ledger, approver):
    newer = made_key()
    await sign(ledger, approver, Enrolled(approver.public_key, "ada", "terminal"))
    replacing = Enrolled(newer.public_key, "ada", "terminal", replaces=approver.public_key, key=approver.public_key)
    await sign(ledger, approver, replacing)
    assert [each.public_key for each in ledger.enrolled_keys()] == [newer.public_key]
    number = await request(ledger)
    with pytest.raises(ChainBroken, match="not signed by an enrolled"):
        await step(ledger, approver, number, "approved")
    await step(ledger, newer, number, "approved")
    assert ledger.champion() == SECOND.id


async def test_a_replaced_key_without_a_name_does_not_make_two_approvers_of_one(ledger, approver):
    newer = made_key()
    await enrol(ledger, approver)
    number = (await ledger.record(Requested(SECOND.id, "second", EVIDENCE, needed=2))).sequence
    await step(ledger, approver, number, "approved")
    replacing = Enrolled(newer.public_key, "ada", "terminal", replaces=approver.public_key, key=approver.public_key)
    await sign(ledger, approver, replacing)
    with pytest.raises(NotApprovable, match="another approver"):
        await step(ledger, newer, number, "approved")
    assert ledger.champion() == FIRST.id


@pytest.mark.parametrize(
    ("name", "replaces", "sentence"),
    [
        ("grace", "", "signed by grace"),
        ("ada", "grace's", "its own approver"),
        ("eve", "ada's", "same name"),
        ("", "", "approver's name"),
        ("eve", "nobody's", "not enrolled"),
    ],
)
async def test_an_approver_adds_to_and_replaces_nobody_elses_keys(ledger, approver, name, replaces, sentence):
    grace, new = made_key(), made_key()
    await sign(ledger, approver, Enrolled(approver.public_key, "ada", "terminal"))
    await sign(ledger, approver, Enrolled(grace.public_key, "grace", "terminal", key=approver.public_key))
    gone = {"grace's": grace.public_key, "ada's": approver.public_key, "nobody's": new.public_key, "": ""}[replaces]
    with pytest.raises(NotApprovable, match=sentence):
        await sign(ledger, approver, Enrolled(new.public_key, name, "terminal", replaces=gone, key=approver.public_key))
    assert len(ledger.enrolled_keys()) == 2


async def test_a_key_enrolled_behind_the_persons_back_is_refused_unsigned_or_signed_by_itself(ledger, approver):
    stranger = made_key()
    await sign(ledger, approver, Enrolled(approver.public_key, "ada", "terminal"))
    for content in (
        Enrolled(stranger.public_key, "eve", "terminal", key=approver.public_key),
        Enrolled(stranger.public_key, "eve", "terminal", key=stranger.public_key),
        Enrolled(stranger.public_key, "eve", "terminal", replaces=approver.public_key, key=stranger.public_key),
    ):
        with pytest.raises(ChainBroken, match="not signed"):
            await sign(ledger, stranger, content)
        with pytest.raises(ChainBroken, match="not signed"):
            await ledger.append(ledger.draft(content))
    assert [each.name for each in ledger.enrolled_keys()] == ["ada"]


def old_row(sequence, previous, sign_with=None, **values):
    """A row as the first version wrote it: every field of its kind, none left out; with its signature and its hash."""
    body = json.dumps(
        {"sequence": sequence, "at": 1.0 + sequence, "previous": previous, **values},
        sort_keys=True,
        separators=(",", ":"),
    )
    signature = sign_with.sign(body.encode()) if sign_with else ""
    return body, signature, hashlib.sha256(body.encode() + signature.encode()).hexdigest()


async def test_a_ledger_of_the_first_version_holds_and_goes_on(approver, tmp_path):
    decided = {"request": 3, "channel": "terminal"}
    contents = [
        (None, {"kind": "genesis", "design": FIRST.id}),
        (approver, {"kind": "enrolled", "public_key": approver.public_key}),
        (None, {"kind": "requested", "design": SECOND.id, "name": "second", "evidence": EVIDENCE}),
        (approver, {"kind": "approved", "design": SECOND.id, "evidence": EVIDENCE, "approved_by": "person", **decided}),
        (None, {"kind": "requested", "design": THIRD.id, "name": "third", "evidence": EVIDENCE}),
        (approver, {"kind": "rejected", "request": 5, "rejected_by": "person", "channel": "terminal"}),
        (None, {"kind": "rolled_back", "design": FIRST.id}),
        (None, {"kind": "requested", "design": THIRD.id, "name": "third", "evidence": EVIDENCE}),
    ]
    first = await open_ledger(tmp_path / "ledger.db")
    await first.close()
    edit(tmp_path / "ledger.db", "DELETE FROM ledger")
    previous = ""
    for sequence, (signer, values) in enumerate(contents, start=1):
        body, signature, previous = old_row(sequence, previous, signer, **values)
        edit(tmp_path / "ledger.db", "INSERT INTO ledger VALUES (?, ?, ?, ?)", sequence, body, signature, previous)
    ledger = await open_ledger(tmp_path / "ledger.db")
    assert not ledger.broken
    assert [ledger.promotions()[each].state for each in (3, 5, 8)] == ["rolled_back", "rejected", "requested"]
    await ledger.record(Building(8))
    await ledger.record(Ready(8, REPORT))
    await sign(ledger, approver, Approved(THIRD.id, EVIDENCE, 8, "person", "terminal", REPORT, approver.public_key))
    again = await open_ledger(tmp_path / "ledger.db")
    assert not again.broken
    assert again.champion() == THIRD.id
    await again.close()
    await ledger.close()


def forge(path, *contents, signer=None):
    """Write rows behind the last one as whoever owns the file can: every hash is right, and nothing was asked."""
    with sqlite3.connect(path) as raw:
        sequence, previous = raw.execute("SELECT sequence, hash FROM ledger ORDER BY sequence DESC").fetchone()
    raw.close()
    for number, content in enumerate(contents, start=sequence + 1):
        row = Row(number, 5.0, previous, content)
        row = replace(row, signature=signer.sign(row.body())) if signer else row
        edit(path, "INSERT INTO ledger VALUES (?, ?, ?, ?)", number, row.body().decode(), row.signature, row.hash)
        previous = row.hash


@pytest.mark.parametrize("attack", ["approved", "approved by a stranger", "live", "stranger enrolled", "rolled back"])
async def test_rows_that_were_forged_into_the_database_promote_nothing(ledger, approver, tmp_path, attack):
    stranger = made_key()
    await sign(ledger, approver, Enrolled(approver.public_key, "ada", "terminal"))
    number = await request(ledger)
    word = Approved(SECOND.id, EVIDENCE, number, "ada", "terminal", REPORT, approver.public_key)
    path, rehearsed = tmp_path / "ledger.db", (Building(number), Ready(number, REPORT))
    forge(path, *rehearsed)
    match attack:
        case "approved":
            forge(path, word)
        case "approved by a stranger":
            forge(path, replace(word, key=stranger.public_key), signer=stranger)
        case "live":
            forge(path, Live(SECOND.id, number))
        case "stranger enrolled":
            forge(path, Enrolled(stranger.public_key, "ada", "terminal", key=stranger.public_key), signer=stranger)
        case "rolled back":
            forge(path, RolledBack(SECOND.id))
    again = await open_ledger(path)
    await again.close()
    assert again.champion() == FIRST.id
    assert "not believed" in again.broken
    assert [each.name for each in again.enrolled_keys()] == ["ada"]


async def test_a_forged_readiness_promotes_nothing_and_nobody_can_sign_it_unseen(ledger, approver, tmp_path):
    await sign(ledger, approver, Enrolled(approver.public_key, "ada", "terminal"))
    number = await request(ledger)
    forge(tmp_path / "ledger.db", Building(number), Ready(number, REPORT))
    again = await open_ledger(tmp_path / "ledger.db")
    assert again.champion() == FIRST.id
    with pytest.raises(NotApprovable, match="other evidence"):
        await sign(again, approver, Approved(SECOND.id, EVIDENCE, number, "ada", "terminal", "", approver.public_key))
    await again.close()
