import hashlib
import time
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from alma_mcp.approval.approver import Approver
from alma_mcp.design_store import Design, DesignStore, bundled_designs
from alma_mcp.errors import NotApprovable
from alma_mcp.ledger.champion_ledger import ChampionLedger
from alma_mcp.ledger.rows import Approved, Enrolled, Rejected, Requested
from alma_mcp.serving.succession import FOLLOWS_SECONDS, Succession

FIRST = bundled_designs()["lexical"]
SECOND = Design("SECOND = 2", "second")
THIRD = Design("THIRD = 3", "third")
EVIDENCE = hashlib.sha256(b"evidence").hexdigest()


class Story:
    """A ledger to which things happen, and the succession over it."""

    def __init__(self, ledger, store, folder):
        self.ledger, self.store, self.folder = ledger, store, folder
        self.approver = Approver(Ed25519PrivateKey.generate())
        self.now = time.time()
        self.succession = Succession(ledger, store, folder, lambda: self.now)

    async def sign(self, content):
        row = self.ledger.draft(content)
        await self.ledger.append(replace(row, signature=self.approver.sign(row.body())))

    async def requested(self, design):
        self.store.add(design)
        return (await self.ledger.record(Requested(design.id, design.name, EVIDENCE))).sequence

    async def approved(self, design):
        request = await self.requested(design)
        await self.sign(Approved(design.id, EVIDENCE, request, "person", "terminal"))
        return request

    async def live(self, design):
        request = await self.approved(design)
        await self.succession.took_over(design)
        return request


@pytest.fixture
async def story(tmp_path):
    (tmp_path / f"{EVIDENCE}.json").write_bytes(b"evidence")
    store = DesignStore(tmp_path / "designs")
    ledger = await ChampionLedger.open(tmp_path / "ledger.db", FIRST, store.holds_bundled)
    story = Story(ledger, store, tmp_path)
    await story.sign(Enrolled(story.approver.public_key))
    yield story
    await ledger.close()


async def test_a_design_that_was_approved_is_champion_and_the_one_that_was_live_serves_until_it_takes_over(story):
    await story.approved(SECOND)
    assert (story.succession.champion(), story.succession.settled()) == (SECOND, FIRST)
    assert story.succession.previous() is None
    await story.succession.took_over(SECOND)
    assert (story.succession.settled(), story.succession.previous()) == (SECOND, FIRST)


async def test_a_design_that_never_took_over_is_nobodys_predecessor(story):
    await story.approved(SECOND)
    await story.live(THIRD)
    assert (story.succession.settled(), story.succession.previous()) == (THIRD, FIRST)
    await story.ledger.roll_back("person", "terminal")
    assert (story.succession.champion(), story.succession.settled()) == (SECOND, FIRST)


async def test_it_is_written_once_that_a_design_took_over_and_not_of_another_one(story):
    await story.approved(SECOND)
    rows = len(await story.ledger.history())
    await story.succession.took_over(FIRST)
    assert len(await story.ledger.history()) == rows
    await story.succession.took_over(SECOND)
    await story.succession.took_over(SECOND)
    assert len(await story.ledger.history()) == rows + 1


async def test_the_canary_rolls_back_its_own_promotion_alone(story):
    first = await story.live(SECOND)
    await story.live(THIRD)
    assert not await story.succession.roll_back(first, "too late")
    assert story.succession.champion() == THIRD


async def test_why_a_design_was_rolled_back_is_told_until_the_next_promotion(story):
    request = await story.live(SECOND)
    assert story.succession.last_rollback() == ""
    assert await story.succession.roll_back(request, "it failed 6 times")
    row = (await story.ledger.history())[-1].content
    assert (row.rolled_back_by, row.channel) == ("alma-mcp", "canary")
    assert story.ledger.promotions()[request].state == "rolled_back"
    assert story.succession.last_rollback() == "second was rolled back: it failed 6 times."
    rejected = await story.requested(THIRD)
    await story.sign(Rejected(rejected, "person", "terminal"))
    assert story.succession.last_rollback() == "second was rolled back: it failed 6 times."
    await story.live(THIRD)
    assert story.succession.last_rollback() == ""


async def test_the_design_before_follows_for_a_week_after_a_change(story):
    assert not story.succession.follows_previous()
    await story.live(SECOND)
    assert story.succession.follows_previous()
    story.now += FOLLOWS_SECONDS + 1
    assert not story.succession.follows_previous()


async def test_nothing_is_before_the_first_champion(story):
    with pytest.raises(NotApprovable):
        await story.ledger.roll_back()
    assert story.succession.previous() is None
