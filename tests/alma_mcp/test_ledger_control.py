import time
from dataclasses import replace

import pytest
from promoting import FIRST, SECOND, Desk, made_dossier

from alma_mcp.approver import Approver
from alma_mcp.design_store import MAX_SOURCE_BYTES, Design
from alma_mcp.errors import BadRequest, LedgerError, NotApprovable, StoreError
from alma_mcp.home import Home
from alma_mcp.ledger_rows import Approved, Enrolled, Genesis, Rejected, Requested, RolledBack, Row


@pytest.fixture
def desk(tmp_path):
    return Desk(Home(tmp_path))


@pytest.fixture
async def engine(desk):
    async with desk.control() as engine:
        yield engine


@pytest.fixture
def approver(tmp_path):
    return Approver.create(tmp_path / "approver.pem", "correct horse")


async def file_request(engine, design=SECOND):
    asked = {"source": design.source, "name": design.name, "dossier": made_dossier(design).model_dump(mode="json")}
    return await engine.request("promotions.request", asked)


async def send(engine, content, approver=None):
    head = await engine.request("ledger.head", {})
    row = Row(head["sequence"], time.time(), head["previous"], content)
    signature = approver.sign(row.body()) if approver else ""
    await engine.request("ledger.append", {"body": row.body().decode(), "signature": signature})


def approval(request, design=SECOND):
    return Approved(design.id, made_dossier(design).evidence, request, "person", "terminal")


async def test_a_request_is_filed_shown_approved_and_rolled_back(engine, desk, approver):
    filed = await file_request(engine)
    assert filed["short"] == SECOND.short
    shown = await engine.request("promotions.show", {"reference": filed["short"]})
    assert (shown["source"], shown["champion"]["id"]) == (SECOND.source, FIRST.id)
    await send(engine, Enrolled(approver.public_key), approver)
    await send(engine, approval(filed["request"]), approver)
    assert await desk.champion() == SECOND.id
    assert (await engine.request("promotions.list", {}))["requests"] == []
    assert (await engine.request("ledger.roll_back", {}))["id"] == FIRST.id
    with pytest.raises(NotApprovable, match="no earlier champion"):
        await engine.request("ledger.roll_back", {})


@pytest.mark.parametrize(
    "content",
    [Genesis(FIRST.id), Requested(SECOND.id, "second", "e" * 64), RolledBack(FIRST.id), RolledBack(SECOND.id)],
)
async def test_rows_that_need_no_signature_are_the_engines_own(engine, content):
    with pytest.raises(NotApprovable, match="engine alone"):
        await send(engine, content)
    assert (await engine.request("promotions.list", {}))["requests"] == []


async def test_an_unsigned_rejection_is_refused(engine, approver):
    filed = await file_request(engine)
    await send(engine, Enrolled(approver.public_key), approver)
    with pytest.raises(LedgerError, match="not signed"):
        await send(engine, Rejected(filed["request"], "nobody", "terminal"))
    assert len((await engine.request("promotions.list", {}))["requests"]) == 1


@pytest.mark.parametrize("what", ["designs", "dossiers"])
@pytest.mark.parametrize("how", ["changed", "gone"])
async def test_an_approval_is_void_when_design_or_dossier_are_not_what_was_requested(
    engine, desk, approver, tmp_path, what, how
):
    filed = await file_request(engine)
    await send(engine, Enrolled(approver.public_key), approver)
    path = next((tmp_path / what).iterdir())
    path.unlink() if how == "gone" else path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(StoreError):
        await send(engine, approval(filed["request"]), approver)
    assert await desk.champion() == FIRST.id


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


async def test_a_signature_over_another_row_is_refused(engine, approver):
    filed = await file_request(engine)
    await send(engine, Enrolled(approver.public_key), approver)
    head = await engine.request("ledger.head", {})
    row = Row(head["sequence"], time.time(), head["previous"], approval(filed["request"]))
    signature = approver.sign(replace(row, at=row.at + 1).body())
    with pytest.raises(LedgerError, match="not signed"):
        await engine.request("ledger.append", {"body": row.body().decode(), "signature": signature})
