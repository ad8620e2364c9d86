import pytest

from alma_mcp.config import ApprovalSettings, load_settings
from alma_mcp.errors import BadRequest


def settings(tmp_path, text):
    path = tmp_path / "serve.toml"
    path.write_text(text)
    return load_settings(path).approval


def test_without_a_word_one_enrolled_approver_decides_within_thirty_days(tmp_path):
    assert settings(tmp_path, "") == ApprovalSettings()
    asked = settings(tmp_path, "").model_dump()
    assert (asked["approvers"], asked["needed"], asked["request_days"]) == ((), 1, 30)


def test_a_team_names_its_approvers_and_its_minimum_of_evidence(tmp_path):
    text = (
        '[approval]\napprovers = ["ada", "grace"]\nneeded = 2\n'
        '[approval.minimum_evidence]\nbenchmarks = ["locomo"]\ntasks = 40\nagents = ["gpt-5-mini/low"]\n'
    )
    asked = settings(tmp_path, text)
    assert (asked.approvers, asked.needed) == (("ada", "grace"), 2)
    assert (asked.minimum_evidence.tasks, asked.minimum_evidence.agents) == (40, ("gpt-5-mini/low",))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("needed = 3", "approval.needed"),
        ("needed = 0", "approval.needed"),
        ('approvers = ["ada", "ada"]\nneeded = 2', "needs 2 approvers and names 1"),
        ('approvers = ["nobody could be called that"]', "approval.approvers.0"),
        ("request_days = 0", "approval.request_days"),
        ("approver = []", "approval.approver"),
        ("[approval.minimum_evidence]\ntasks = -1", "approval.minimum_evidence.tasks"),
    ],
)
def test_what_cannot_be_is_told_with_the_file_and_the_key(tmp_path, text, key):
    with pytest.raises(BadRequest, match=r"serve\.toml: `approval") as told:
        settings(tmp_path, f"[approval]\n{text}\n")
    assert key in str(told.value)
