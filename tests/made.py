"""Data that the tests write themselves."""

import json
from pathlib import Path

from evolve.benchmarks.splits import split_of

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


def write_locomo(path: Path) -> Path:
    """A file in LoCoMo's format with two made conversations in every split."""
    names = [name_in(split, number) for split in ("search", "validation", "gate") for number in range(2)]
    path.write_text(json.dumps([conversation(name) for name in names]))
    return path
