"""Scopes and principals: who may read and write which memory.

A scope is a project (its repository, however many folders and worktrees it has) or the
user. Nothing crosses a scope but a read that `Principal.readable` allows.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from alma_mcp.errors import BadRequest

USER_SCOPE = "user"

Place = Literal["project", "user"]


@dataclass(frozen=True, slots=True)
class Principal:
    """One client session: where it works and who it is. `project` is empty where there is none."""

    session: str
    project: str = ""
    agent: str = ""

    @property
    def readable(self) -> tuple[str, ...]:
        """The scopes this session may read, nearest first."""
        return (self.project, USER_SCOPE) if self.project else (USER_SCOPE,)

    def writable(self, place: Place) -> str:
        """The scope that a write to `place` goes to."""
        if place == "user":
            return USER_SCOPE
        if not self.project:
            raise BadRequest("This session has no project folder; store it with scope `user`.")
        return self.project


def project_scope(folder: str) -> str:
    """The scope of the project a folder belongs to: its main repository, else the folder itself.

    A worktree belongs to the repository it was made from. The home folder and the root are
    no projects. Reads files only; runs nothing.
    """
    if not folder:
        return ""
    path = Path(folder)
    for candidate in (path, *path.parents):
        marker = candidate / ".git"
        if marker.is_dir():
            path = candidate
            break
        if marker.is_file():
            path = _main_repository(marker) or candidate
            break
    if path == Path.home() or path == Path(path.anchor):
        return ""
    return f"project:{path}"


def _main_repository(marker: Path) -> Path | None:
    """Follow a worktree's `.git` file to the repository that owns it; a submodule owns itself."""
    try:
        text = marker.read_text(encoding="utf-8").strip()
        git_folder = (marker.parent / text.removeprefix("gitdir:").strip()).resolve()
        common = (git_folder / (git_folder / "commondir").read_text(encoding="utf-8").strip()).resolve()
    except (OSError, UnicodeDecodeError):
        return None
    return common.parent if common.name == ".git" else common
