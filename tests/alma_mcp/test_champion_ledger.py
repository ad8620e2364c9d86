import sqlite3
from dataclasses import replace

import pytest

from alma_mcp.approver import Approver
from alma_mcp.champion_ledger import ChampionLedger
from alma_mcp.design_store import Design
from alma_mcp.errors import ChainBroken, NotApprovable
from alma_mcp.ledger_rows import Approved, Enrolled, Genesis, Rejected, Requested, RolledBack

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


@pytest.fixture
def approver(tmp_path):
    return Approver.create(tmp_path / "approver.pem", "correct horse")


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
    assert again.champions() == [(SECOND.id, "second"), (FIRST.id, "")]
    assert len(await again.history()) == 4
    await again.close()


async def test_an_approval_without_a_signature_is_refused(ledger, approver):
    await enrol(ledger, approver)
    with pytest.raises(ChainBroken):
        await ledger.append(ledger.draft(approval(await request(ledger))))
    assert ledger.champion() == FIRST.id


async def test_an_approval_by_another_key_is_refused(ledger, approver, tmp_path):
    await enrol(ledger, approver)
    stranger = Approver.create(tmp_path / "other.pem", "battery staple")
    number = await request(ledger)
    with pytest.raises(ChainBroken):
        await sign(ledger, stranger, approval(number))
    assert ledger.champion() == FIRST.id


async def test_a_second_key_cannot_be_enrolled_behind_the_persons_back(ledger, approver, tmp_path):
    await enrol(ledger, approver)
    stranger = Approver.create(tmp_path / "other.pem", "battery staple")
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


async def test_rows_cannot_be_changed_by_accident(ledger, tmp_path):
    with sqlite3.connect(tmp_path / "ledger.db") as raw, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        raw.execute("DELETE FROM ledger")
    raw.close()


def test_the_key_opens_with_its_passphrase_alone_and_is_its_owners(tmp_path):
    path = tmp_path / "approver.pem"
    made = Approver.create(path, "correct horse")
    assert Approver.unlock(path, "correct horse").public_key == made.public_key
    assert path.stat().st_mode & 0o077 == 0
    assert b"ENCRYPTED" in path.read_bytes()
    for wrong in ("wrong horse", ""):
        with pytest.raises(NotApprovable, match="wrong"):
            Approver.unlock(path, wrong)


def test_a_short_passphrase_and_a_second_key_are_refused(tmp_path):
    with pytest.raises(NotApprovable, match="at least 8"):
        Approver.create(tmp_path / "a.pem", "short")
    Approver.create(tmp_path / "a.pem", "long enough")
    with pytest.raises(NotApprovable, match="already"):
        Approver.create(tmp_path / "a.pem", "long enough")
