"""Data that the tests write themselves."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alma_mcp.contract import Experience, MemoryItem, Query, Retrieval
from evolve.benchmarks import Scope, Task
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


def passing(*ids: str):
    """A memory whose every answer rests on these experiences, in this order."""

    async def recall(query: Query) -> Retrieval:
        return Retrieval(tuple(MemoryItem("text", 1.0, (each,)) for each in ids))

    return recall


def moments_of(scope: Scope) -> tuple[list[Experience], list[Task]]:
    """What a memory takes in, and what it is asked."""
    experiences = [moment for moment in scope.moments if isinstance(moment, Experience)]
    return experiences, [moment for moment in scope.moments if isinstance(moment, Task)]


def chat(about: str = "Coding", gold: dict[str, Any] | None = None) -> dict[str, Any]:
    """A made chat of BEAM, its three files by name. Messages 2n and 2n + 1 are about the n-th topic; two a batch."""
    batches: list[dict[str, Any]] = []
    for number, topic in enumerate(TOPICS):
        said = {"role": "user", "id": 2 * number, "content": f"I keep the {topic} in room {number}.  ->-> {number},1"}
        answer = {"role": "assistant", "id": 2 * number + 1, "content": f"Noted: {topic}.\nx ->-> y\nWhat else?"}
        if number % 2 == 0:
            said["time_anchor"] = f"March-{10 + number}-2024"
            batches.append({"batch_number": number // 2 + 1, "turns": []})
        batches[-1]["turns"].append([said, answer])
    asked = {"information_extraction": [0], "knowledge_update": {"old": [2], "new": [4, 5]}, "event_ordering": [[6], 8]}
    questions = {
        ability: [{"question": f"Where is the {TOPICS[number]}?", "source_chat_ids": ids}]
        for number, (ability, ids) in enumerate((gold or asked).items())
    }
    questions["abstention"] = [{"question": "Where is the piano?"}]
    return {"chat": batches, "topic": {"category": about}, "probing_questions": questions}


def write_beam(folder: Path, chats: dict[str, dict[str, Any]] | None = None) -> Path:
    """A folder of chats as BEAM publishes them; without `chats` two in every split, of which one is about coding."""
    names = [name_in(split, number) for split in ("search", "validation", "gate") for number in range(2)]
    made = chats or {name: chat(("Coding", "Travel")[number % 2]) for number, name in enumerate(names)}
    for name, files in made.items():
        (folder / name / "probing_questions").mkdir(parents=True)
        for file, content in files.items():
            place = folder / name / ("probing_questions" if file == "probing_questions" else "")
            (place / f"{file}.json").write_text(json.dumps(content))
    return folder


def coding_session(number: int, **more: Any) -> dict[str, Any]:
    """The number-th made session, on a day of its own; it commits its topic's file and a new one."""
    topic = TOPICS[number % len(TOPICS)]
    made = {
        "session": f"s{number:03d}",
        "started": f"2026-{1 + number // 28:02d}-{1 + number % 28:02d}T12:00:00.000Z",
        "prompts": [f"Mend the {topic} for case {number}", "go on"],
        "replies": [f"The {topic} is mended."],
        "files_edited": [f"src/{topic}.go"],
        "files_committed": [f"src/{topic}.go", f"src/{topic}/case{number}.go"],
        "commit_subjects": [f"Mend the {topic}"],
    }
    return made | more


def write_coding_stream(path: Path, sessions: Sequence[dict[str, Any]] | None = None) -> Path:
    """A file of coding sessions, a line each; without `sessions` thirty, the youngest first."""
    made = sessions if sessions is not None else [coding_session(number) for number in range(29, -1, -1)]
    path.write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in made), encoding="utf-8")
    return path


def instance(repo: str, number: int, **more: Any) -> dict[str, Any]:
    """The number-th made instance of a repository: its fix changes the file of one of three topics and a new one."""
    topic = TOPICS[number % 3]
    files = (f"src/{topic}.py", f"src/{topic}_{number}.py")
    made = {
        "instance_id": f"{repo.replace('/', '__')}-{number}",
        "repo": repo,
        "created_at": f"2020-01-{1 + number:02d}T00:00:00Z",
        "problem_statement": f"The {topic} fails in case {number}",
        "patch": "".join(f"diff --git a/{file} b/{file}\n--- a/{file}\n+++ b/{file}\n+mended\n" for file in files),
    }
    return made | more


def write_swebench(path: Path, instances: Sequence[dict[str, Any]] | None = None, *, lines: bool = False) -> Path:
    """A file of instances, an array or lines; without `instances` twelve of each of two repositories, newest first."""
    repos = ("made/kiln", "made/loom")
    made = instances or [instance(repo, number) for number in range(11, -1, -1) for repo in repos]
    path.write_text("".join(json.dumps(each) + "\n" for each in made) if lines else json.dumps(made))
    return path


def write_longmemeval(path: Path) -> Path:
    """A file in LongMemEval's format: a question for each topic, whose haystack is a session for each topic."""
    sessions = [[{"role": "user", "content": f"I painted the {topic}.", "has_answer": True}] for topic in TOPICS]
    questions = [
        {
            "question_id": name_in("search", number),
            "question_type": "multi-session",
            "question": f"What happened to the {topic}?",
            "question_date": "2023/05/30 (Tue) 23:40",
            "answer_session_ids": [f"answer_{topic}"],
            "haystack_dates": [f"2023/05/{10 + each} (Sat) 02:21" for each in range(len(TOPICS))],
            "haystack_session_ids": [f"answer_{each}" for each in TOPICS],
            "haystack_sessions": sessions,
        }
        for number, topic in enumerate(TOPICS)
    ]
    path.write_text(json.dumps(questions))
    return path
