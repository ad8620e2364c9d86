"""Small data that the tests write themselves, and a laboratory without a sandbox or a model."""

import json
import subprocess

import pytest

from alma_mcp.design_store import DesignStore
from alma_mcp.hosts.inprocess import InProcessHost
from evolve.archive import Archive
from evolve.benchmarks.splits import split_of
from evolve.evaluate import Laboratory

TOPICS = ("violin", "kayak", "pottery", "beehive", "telescope", "sourdough")


def name_in(split: str, number: int) -> str:
    """The number-th made name that falls into a split."""
    names = (f"made-{each}" for each in range(1000))
    return [name for name in names if split_of(name) == split][number]


def conversation(name: str) -> dict:
    """A made conversation in LoCoMo's format: a session for each topic, a question for each session."""
    talk = {"speaker_a": "Ada", "speaker_b": "Ben"}
    for number, topic in enumerate(TOPICS, start=1):
        talk[f"session_{number}_date_time"] = f"1:{number:02d} pm on {number} May, 2023"
        talk[f"session_{number}"] = [
            {"speaker": "Ada", "dia_id": f"D{number}:1", "text": f"I began with a {topic} last week, in {name}."},
            {
                "speaker": "Ben",
                "dia_id": f"D{number}:2",
                "text": "How lovely!",
                "blip_caption": f"a photo of a {topic}",
            },
        ]
    questions = [
        {"question": f"When did Ada begin with the {topic}?", "evidence": [f"D{number}:1"], "category": 1 + number % 5}
        for number, topic in enumerate(TOPICS, start=1)
    ]
    return {
        "sample_id": name,
        "conversation": talk,
        "qa": [*questions, {"question": "?", "evidence": [], "category": 1}],
    }


@pytest.fixture
def locomo_file(tmp_path):
    path = tmp_path / "locomo.json"
    names = [name_in(split, number) for split in ("search", "validation", "gate") for number in range(2)]
    path.write_text(json.dumps([conversation(name) for name in names]))
    return path


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
