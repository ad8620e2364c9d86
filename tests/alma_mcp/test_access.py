from pathlib import Path

import pytest

from alma_mcp.access import USER_SCOPE, Principal, project_scope
from alma_mcp.errors import BadRequest


def make_repository(folder: Path) -> Path:
    (folder / ".git").mkdir(parents=True)
    return folder


def test_every_folder_of_a_repository_is_the_same_project(tmp_path):
    repository = make_repository(tmp_path / "code")
    (repository / "src" / "deep").mkdir(parents=True)
    assert project_scope(str(repository / "src" / "deep")) == project_scope(str(repository))


def test_a_worktree_shares_the_memory_of_its_repository(tmp_path):
    repository = make_repository(tmp_path / "code")
    private = repository / ".git" / "worktrees" / "fix"
    private.mkdir(parents=True)
    (private / "commondir").write_text("../..\n")
    worktree = tmp_path / "fix"
    worktree.mkdir()
    (worktree / ".git").write_text(f"gitdir: {private}\n")
    assert project_scope(str(worktree)) == f"project:{repository}"


def test_a_submodule_is_a_project_of_its_own(tmp_path):
    outer = make_repository(tmp_path / "outer")
    inner = outer / "inner"
    inner.mkdir()
    (outer / ".git" / "modules" / "inner").mkdir(parents=True)
    (inner / ".git").write_text("gitdir: ../.git/modules/inner\n")
    assert project_scope(str(inner)) == f"project:{inner}"


def test_a_folder_without_a_repository_is_its_own_project(tmp_path):
    assert project_scope(str(tmp_path)) == f"project:{tmp_path}"


@pytest.mark.parametrize("folder", ["", "/", str(Path.home())])
def test_the_home_and_the_root_are_no_projects(folder):
    assert project_scope(folder) == ""


def test_a_session_without_a_project_reads_and_writes_the_user_scope_only():
    nobody = Principal("s")
    assert nobody.readable == (USER_SCOPE,)
    assert nobody.writable("user") == USER_SCOPE
    with pytest.raises(BadRequest, match="scope `user`"):
        nobody.writable("project")


def test_a_session_reads_its_own_project_and_no_other():
    assert Principal("s", "project:/a").readable == ("project:/a", USER_SCOPE)
