import asyncio
import subprocess
import sys

import pytest
from promoting import FIRST, PASSPHRASE, SECOND, Desk, made_dossier

from alma_mcp.approval.approver import Approver
from alma_mcp.approval.promotions_cli import approve, reject
from alma_mcp.approval.signing import enroll
from alma_mcp.design_store import Design
from alma_mcp.home import Home

NEW = [("approval passphrase", PASSPHRASE), ("Once more", PASSPHRASE)]
KNOWN = [("Approval passphrase", PASSPHRASE)]


@pytest.fixture
def desk(tmp_path):
    return Desk(Home(tmp_path))


def typed(short):
    return [("Type the design's id", short)]


def champion(desk):
    return asyncio.run(desk.champion())


def enrol(desk, **others):
    """Ada is enrolled, and signs for others with their passphrases."""

    async def all_of_them():
        async with desk.control() as engine:
            ada = await enroll(desk.home, engine, "ada", PASSPHRASE)
            for name, passphrase in others.items():
                await enroll(desk.home, engine, name, passphrase, ada)

    asyncio.run(all_of_them())


def file_request(desk, *arguments):
    return asyncio.run(desk.request(*arguments))


def test_the_first_approval_sets_the_passphrase_and_the_next_one_asks_for_it(desk):
    short = file_request(desk)
    code, shown = desk.at_terminal(["promotions", "approve", short], [*typed(short), *NEW])
    assert (code, champion(desk)) == (0, SECOND.id), shown
    assert "Approved. second" in shown
    assert PASSPHRASE not in shown
    third = Design("THIRD = 3\n", "third")
    short = file_request(desk, third, made_dossier(third, SECOND))
    code, shown = desk.at_terminal(["promotions", "approve", short], [*typed(short), *KNOWN])
    assert (code, champion(desk)) == (0, third.id), shown
    code, shown = desk.at_terminal(["rollback"])
    assert (code, champion(desk)) == (0, SECOND.id), shown


def test_a_wrong_passphrase_approves_nothing(desk):
    short = file_request(desk)
    Approver.create(desk.home.approver, PASSPHRASE)
    answers = [*typed(short), ("Approval passphrase", "a guess of mine")]
    code, shown = desk.at_terminal(["promotions", "approve", short], answers)
    assert (code, champion(desk)) == (1, FIRST.id)
    assert "The passphrase is wrong" in shown


@pytest.mark.parametrize("second", ["another horse", ""])
def test_two_passphrases_that_differ_set_nothing(desk, second):
    short = file_request(desk)
    answers = [*typed(short), ("approval passphrase", PASSPHRASE), ("Once more", second)]
    code, shown = desk.at_terminal(["promotions", "approve", short], answers)
    assert code == 1
    assert "differ" in shown
    assert not desk.home.approver.exists()


def test_a_command_that_was_killed_between_making_and_enrolling_the_key_can_be_repeated(desk):
    short = file_request(desk)
    Approver.create(desk.home.approver, PASSPHRASE)
    code, shown = desk.at_terminal(["promotions", "approve", short], [*typed(short), *KNOWN])
    assert (code, champion(desk)) == (0, SECOND.id), shown


def test_a_key_other_than_the_enrolled_one_is_told(desk):
    short = file_request(desk)
    assert desk.at_terminal(["promotions", "reject", short], [*typed(short), *NEW])[0] == 0
    desk.home.approver.unlink()
    Approver.create(desk.home.approver, PASSPHRASE)
    short = file_request(desk)
    code, shown = desk.at_terminal(["promotions", "approve", short], [*typed(short), *KNOWN])
    assert (code, champion(desk)) == (1, FIRST.id)
    assert "not the key that is enrolled" in " ".join(shown.split())


@pytest.mark.parametrize(
    "dossier",
    [made_dossier(verdict="failed"), made_dossier(champion=Design("EARLIER = 1\n", "earlier"))],
    ids=["failed", "stale"],
)
def test_evidence_that_does_not_carry_a_promotion_needs_an_option_to_approve(desk, dossier):
    short = file_request(desk, SECOND, dossier)
    code, shown = desk.at_terminal(["promotions", "approve", short])
    assert (code, champion(desk)) == (1, FIRST.id)
    assert "--against-evidence" in shown
    answers = [*typed(short), *NEW]
    assert desk.at_terminal(["promotions", "approve", short, "--against-evidence"], answers)[0] == 0
    assert champion(desk) == SECOND.id


def test_a_request_whose_evidence_is_gone_can_be_rejected_but_not_approved(desk):
    short = file_request(desk)
    (desk.home.dossiers / f"{made_dossier().evidence}.json").unlink()
    code, shown = desk.at_terminal(["promotions", "approve", short])
    assert code == 1
    assert "missing" in shown
    code, shown = desk.at_terminal(["promotions", "reject", short], [*typed(short), *NEW])
    assert code == 0, shown
    assert "No promotion waits" in desk.at_terminal(["promotions"])[1]


@pytest.mark.parametrize("verb", ["approve", "reject"])
@pytest.mark.parametrize("shell", ["", "<&-"])
def test_without_a_terminal_nothing_is_decided(desk, verb, shell):
    short = file_request(desk)
    program = f"{sys.executable} {sys.modules['promoting'].__file__} {desk.home.path}"
    done = subprocess.run(
        ["sh", "-c", f"{program} promotions {verb} {short} {shell}"],
        input=f"{short}\n{PASSPHRASE}\n{PASSPHRASE}\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert done.returncode == 1
    assert "by a person in a terminal" in done.stderr
    assert "Traceback" not in done.stderr
    assert champion(desk) == FIRST.id
    assert not desk.home.approver.exists()


def test_a_rollback_with_nothing_before_it_is_told(desk):
    code, shown = desk.at_terminal(["rollback"])
    assert code == 1
    assert "no earlier champion" in shown


def test_a_wrong_id_decides_nothing(desk):
    short = file_request(desk)
    code, shown = desk.at_terminal(["promotions", "approve", short], typed("0" * 12))
    assert (code, champion(desk)) == (1, FIRST.id)
    assert "not its id" in shown


@pytest.mark.parametrize("guess", ["", PASSPHRASE.upper(), f" {PASSPHRASE}"])
def test_a_passphrase_that_is_empty_or_nearly_right_approves_nothing(desk, guess):
    enrol(desk)
    short = file_request(desk)
    code, shown = desk.at_terminal(["promotions", "approve", short], [*typed(short), ("Approval passphrase", guess)])
    assert (code, champion(desk)) == (1, FIRST.id), shown
    assert "The passphrase is wrong" in shown


def test_a_passphrase_in_the_environment_or_in_a_file_is_not_read_from_there(desk, monkeypatch):
    enrol(desk)
    short = file_request(desk)
    for name in ("PASSPHRASE", "ALMA_MCP_PASSPHRASE", "ALMA_MCP_API_KEY"):
        monkeypatch.setenv(name, PASSPHRASE)
    for name in ("passphrase", "approver.passphrase", "serve.passphrase"):
        (desk.home.path / name).write_text(PASSPHRASE)
    code, shown = desk.at_terminal(["promotions", "approve", short], [*typed(short), ("Approval passphrase", "")])
    assert (code, champion(desk)) == (1, FIRST.id), shown
    assert "The passphrase is wrong" in shown


def test_no_option_answers_for_a_person():
    assert [each.name for each in approve.params] == ["reference", "against_evidence"]
    assert [each.name for each in reject.params] == ["reference"]


def test_what_the_settings_ask_for_no_option_overrules(desk):
    desk.home.settings.write_text("[approval.minimum_evidence]\ntasks = 500\n")
    short = file_request(desk)
    code, shown = desk.at_terminal(["promotions", "approve", short, "--against-evidence"])
    assert (code, champion(desk)) == (1, FIRST.id)
    assert "at least 500 tasks; 20 were compared" in " ".join(shown.split())
    assert not desk.home.approver.exists()


def test_two_approvers_each_type_their_own_passphrase(desk):
    desk.home.settings.write_text("[approval]\nneeded = 2\n")
    enrol(desk, grace="another horse")
    short = file_request(desk)
    code, shown = desk.at_terminal(["promotions", "approve", short], [*typed(short), *KNOWN])
    assert (code, champion(desk)) == (0, FIRST.id)
    assert "it needs 1 more, of another approver" in " ".join(shown.split())
    code, shown = desk.at_terminal(["promotions", "approve", short], [*typed(short), *KNOWN])
    assert code == 1
    assert "approved it already" in shown
    code, shown = desk.at_terminal(
        ["promotions", "approve", short], [*typed(short), ("Approval passphrase", "another horse")]
    )
    assert (code, champion(desk)) == (0, SECOND.id), shown
