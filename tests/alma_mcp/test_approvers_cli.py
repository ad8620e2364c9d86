import asyncio
import subprocess
import sys
from dataclasses import replace

import pytest
from promoting import PASSPHRASE, SECOND, Desk, Direct

from alma_mcp.approval.account import own_approver_name
from alma_mcp.approval.approver import Approver
from alma_mcp.approval.enrolment_notice import notices
from alma_mcp.approval.key_files import KeyFiles
from alma_mcp.approval.ledger_control import ledger_handlers
from alma_mcp.approval.signing import append, enroll, enrolled_names, replace_own, sign_in
from alma_mcp.errors import NotApprovable
from alma_mcp.home import Home
from alma_mcp.ledger.rows import Building, Enrolled, Rejected, Requested
from alma_mcp.ledger.state import EnrolledKey

OTHER = "battery staple"
DAY = 24 * 3600.0


def new(passphrase=PASSPHRASE):
    return [("approval passphrase", passphrase), ("Once more", passphrase)]


def known(passphrase=PASSPHRASE):
    return [("Approval passphrase", passphrase)]


@pytest.fixture
def desk(tmp_path):
    return Desk(Home(tmp_path))


def keys(desk):
    async def ask():
        async with desk.rules() as rules:
            return list(rules.ledger.enrolled_keys())

    return asyncio.run(ask())


def enrol(desk):
    """Ada is enrolled, as the first one."""

    async def first():
        async with desk.control() as engine:
            await enroll(desk.home, engine, "ada", PASSPHRASE)

    asyncio.run(first())


def approve(desk, passphrase):
    """Try to approve a new request with a passphrase; gives whether that worked, and what was shown."""
    short = asyncio.run(desk.request())
    answers = [("Type the design's id", short), *known(passphrase)]
    code, shown = desk.at_terminal(["promotions", "approve", short], answers)
    return code == 0 and asyncio.run(desk.champion()) == SECOND.id, " ".join(shown.split())


def test_nobody_is_enrolled_in_a_new_home_and_the_next_step_is_said(desk):
    code, shown = desk.at_terminal(["approvers"])
    assert code == 0
    assert "alma-mcp approvers enroll NAME" in shown


def test_the_first_is_trusted_and_vouches_for_the_next(desk):
    code, shown = desk.at_terminal(["approvers", "enroll", "ada"], new())
    assert code == 0, shown
    code, shown = desk.at_terminal(["approvers", "enroll", "grace"], [*known(), *new(OTHER)])
    assert code == 0, shown
    assert [(each.name, each.method, each.channel, each.first, each.by) for each in keys(desk)] == [
        ("ada", "passphrase", "terminal", True, ""),
        ("grace", "passphrase", "terminal", False, "ada"),
    ]
    files = sorted(str(path.relative_to(desk.home.path)) for path in KeyFiles(desk.home).all())
    assert files == ["approver.pem", "approvers/grace.pem"]
    code, shown = desk.at_terminal(["approvers"])
    assert [word in shown for word in ("ada", "grace", "passphrase", "nobody: the first")] == [True] * 4
    assert PASSPHRASE not in shown
    assert approve(desk, OTHER)[0]


def test_without_an_enrolled_passphrase_nobody_is_enrolled(desk):
    enrol(desk)
    code, shown = desk.at_terminal(["approvers", "enroll", "eve"], [*known("a wrong one"), *new(OTHER)])
    assert code == 1
    assert "The passphrase is wrong" in shown
    assert [each.name for each in keys(desk)] == ["ada"]
    assert [path.name for path in KeyFiles(desk.home).all()] == ["approver.pem"]


def test_a_name_is_enrolled_once(desk):
    enrol(desk)
    code, shown = desk.at_terminal(["approvers", "enroll", "ada"])
    assert code == 1
    assert "enrolled already" in shown


def test_a_name_that_is_none_is_told(desk):
    code, shown = desk.at_terminal(["approvers", "enroll", "../evil"])
    assert code == 1
    assert "A name is up to 64" in shown


def test_a_replaced_key_counts_no_more(desk):
    enrol(desk)
    code, shown = desk.at_terminal(["approvers", "replace"], [*known(), *new(OTHER)])
    assert code == 0, shown
    (key,) = keys(desk)
    assert (key.name, key.first, bool(key.replaces)) == ("ada", False, True)
    assert [path.name for path in KeyFiles(desk.home).all()] == ["approver.pem"]
    worked, shown = approve(desk, PASSPHRASE)
    assert not worked
    assert "The passphrase is wrong" in shown
    assert approve(desk, OTHER)[0]


def test_there_is_nothing_to_replace_before_anybody_is_enrolled(desk):
    code, shown = desk.at_terminal(["approvers", "replace"])
    assert code == 1
    assert "alma-mcp approvers enroll NAME" in " ".join(shown.split())


@pytest.mark.parametrize("command", [["enroll", "ada"], ["replace"]])
def test_without_a_terminal_no_key_changes(desk, command):
    program = [sys.executable, sys.modules["promoting"].__file__, str(desk.home.path)]
    done = subprocess.run(
        [*program, "approvers", *command],
        input=f"{PASSPHRASE}\n{PASSPHRASE}\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert done.returncode == 1
    assert "by a person in a terminal" in done.stderr
    assert not keys(desk)


def test_a_key_file_that_somebody_put_in_its_place_approves_nothing(desk):
    enrol(desk)
    desk.home.approver.unlink()
    Approver.create(desk.home.approver, OTHER)
    Approver.create(desk.home.path / "approver.pem.new", OTHER)
    for passphrase in (OTHER, PASSPHRASE):
        worked, shown = approve(desk, passphrase)
        assert not worked
        assert "is not the key that is enrolled" in shown or "The passphrase is wrong" in shown


def test_a_link_among_the_key_files_does_not_lock_the_others_out(desk):
    enrol(desk)
    desk.home.approvers.mkdir()
    (desk.home.approvers / "eve.pem").symlink_to("/etc/passwd")
    assert approve(desk, PASSPHRASE)[0]


class Interrupted:
    """A control connection on which a person presses Ctrl-C while a row is written: before it is, or after."""

    def __init__(self, engine, *, before):
        self._engine = engine
        self._before = before

    async def request(self, name, params):
        if name != "ledger.append":
            return await self._engine.request(name, params)
        if not self._before:
            await self._engine.request(name, params)
        raise KeyboardInterrupt


@pytest.fixture
def typing(monkeypatch):
    """Types this passphrase when it is asked for."""

    def types(passphrase):
        monkeypatch.setattr("alma_mcp.approval.signing.ask_passphrase", lambda _: passphrase)
        monkeypatch.setattr("alma_mcp.approval.signing.ask_new_passphrase", lambda: passphrase)

    return types


WHEN = pytest.mark.parametrize("before", [True, False], ids=["before the row", "after the row"])


@WHEN
async def test_an_enrolment_that_was_interrupted_is_repeated_or_finished_by_the_next_command(desk, before, typing):
    typing(PASSPHRASE)
    async with desk.control() as engine:
        with pytest.raises(KeyboardInterrupt):
            await enroll(desk.home, Interrupted(engine, before=before), "ada", PASSPHRASE)
        assert not desk.home.approver.exists()
        signer = await sign_in(desk.home, engine)
        names = await enrolled_names(engine)
    assert names[signer.key] == signer.name
    assert [path.name for path in KeyFiles(desk.home).all()] == ["approver.pem"]


@WHEN
async def test_a_replacement_that_was_interrupted_leaves_the_old_key_or_the_new_one(desk, before, typing):
    async with desk.control() as engine:
        own = await enroll(desk.home, engine, "ada", PASSPHRASE)
        with pytest.raises(KeyboardInterrupt):
            await replace_own(desk.home, Interrupted(engine, before=before), OTHER, own)
        right, wrong = (PASSPHRASE, OTHER) if before else (OTHER, PASSPHRASE)
        typing(wrong)
        with pytest.raises(NotApprovable, match="type the passphrase of the key that took its place"):
            await sign_in(desk.home, engine)
        typing(right)
        signer = await sign_in(desk.home, engine)
        assert list(await enrolled_names(engine)) == [signer.key]
    assert signer.place == desk.home.approver
    assert Approver.unlock(desk.home.approver, right).public_key == signer.key


async def test_a_key_that_the_ledger_does_not_take_is_not_kept(desk):
    desk.home.settings.write_text('[approval]\napprovers = ["grace"]\n')
    async with desk.control() as engine:
        with pytest.raises(NotApprovable, match="not among the approvers"):
            await enroll(desk.home, engine, "ada", PASSPHRASE)
    assert not list(desk.home.path.glob("approver*"))


async def test_a_row_that_the_engine_writes_in_between_is_signed_around(desk):
    async with desk.rules() as rules:
        engine = Direct(ledger_handlers(rules, lambda: None))
        own = await enroll(desk.home, engine, "ada", PASSPHRASE)
        await rules.ledger.record(Requested(SECOND.id, "second", "e" * 64))

        class Busy:
            """The engine writes a row of its own between two requests, once."""

            busy = True

            async def request(self, name, params):
                if name == "ledger.append" and self.busy:
                    self.busy = False
                    await rules.ledger.record(Building(3))
                return await engine.request(name, params)

        await append(Busy(), own.approver, Rejected(3, "ada", "terminal", own.key))
        assert rules.ledger.promotions()[3].state == "rejected"


def test_a_key_of_an_earlier_version_is_replaced_by_one_with_a_name(desk):
    async def enrolled_before():
        approver = Approver.create(desk.home.approver, PASSPHRASE)
        async with desk.rules() as rules:
            row = rules.ledger.draft(Enrolled(approver.public_key))
            await rules.ledger.append(replace(row, signature=approver.sign(row.body())))

    asyncio.run(enrolled_before())
    assert desk.at_terminal(["approvers", "replace"], [*known(), *new(OTHER)])[0] == 0
    assert [each.name for each in keys(desk)] == [own_approver_name()]
    assert approve(desk, OTHER)[0]


def enrolled(**changes):
    made = {"public_key": "k", "name": "ada", "method": "passphrase", "credential": "", "channel": "terminal"}
    return EnrolledKey(**{**made, "at": 100.0, "first": True, **changes})


def test_the_first_key_is_told_loudly_for_a_week():
    (told,) = notices([enrolled()], 100.0 + 7 * DAY - 1)
    assert "a key for approvals of ada (passphrase) was enrolled on 1970-01-01 00:01 UTC through the terminal" in told
    assert "as the first one, on nobody's word" in told
    assert "If that was not one of you" in told
    assert notices([enrolled()], 100.0 + 7 * DAY) == []


def test_a_further_and_a_replaced_key_are_told_with_whose_word_it_was():
    told = notices([enrolled(first=False, by="grace"), enrolled(first=False, replaces="old", by="ada")], 200.0)
    assert "on the word of grace" in told[0]
    assert "in place of the one before, which signed it" in told[1]


def test_a_name_with_hidden_characters_is_told_with_them_spelled_out():
    assert "\\u202e" in notices([enrolled(name="a\u202eda")], 200.0)[0]


def test_where_every_key_is_a_passkey_the_terminal_says_where_to_go(desk):
    with pytest.raises(NotApprovable, match="alma-mcp dashboard"):
        KeyFiles(desk.home).unlock(PASSPHRASE, ["passkey:AAAA"])
