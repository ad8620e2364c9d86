"""Small data that the tests write themselves, and a laboratory without a sandbox or a model."""

import subprocess

import pytest
from made import TOPICS

from alma_mcp.command_line import run_group
from alma_mcp.design_store import DesignStore
from alma_mcp.hosts.inprocess import InProcessHost
from evolve.archive import Archive
from evolve.cli import cli
from evolve.evaluated_memory import Laboratory


@pytest.fixture
def repository(tmp_path):
    """A git repository whose commits about a part change that part's file."""
    folder = tmp_path / "repository"
    folder.mkdir()

    def git(*arguments: str) -> None:
        who = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)

    git("init", "--quiet")
    for number in range(40):
        part = TOPICS[number % len(TOPICS)]
        (folder / f"{part}.py").write_text(f"{number}\n")
        git("add", ".")
        git("commit", "--quiet", "-m", f"Tune the {part} for case {number}")
    return folder


@pytest.fixture
def laboratory():
    return Laboratory(InProcessHost(), None)


@pytest.fixture
def store(tmp_path):
    return DesignStore(tmp_path / "designs")


@pytest.fixture
def archive(tmp_path, store):
    with Archive(tmp_path / "archive.db", store) as archive:
        yield archive


@pytest.fixture
def alma_evolve(tmp_path, capsys):
    """Runs `alma-evolve`; gives its exit code, and what it wrote to standard output and standard error."""

    def run(*arguments):
        code = run_group(cli, "alma-evolve", [str(each) for each in ("--home", tmp_path / "home", *arguments)])
        written = capsys.readouterr()
        return code, written.out, written.err

    return run
