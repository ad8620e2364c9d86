"""LoCoMo retrieval (Maharana et al., 2024; snap-research/locomo): where in a conversation is the evidence?

Collection: a conversation in order of time. Deployment: its questions. `recall@k` is the fraction of a question's
evidence among the first k retrieved, `any@k` whether any of it is there, k = 1, 3, 5, 10. Two published protocols:

- `locomo`: an experience is a session, all questions are asked, and `recall@10` counts (MemPalace publishes this).
- `locomo_turns`: an experience is a turn, questions of categories 1 to 4 are asked (not the adversarial ones), and
  `any@5` counts (alma-memory publishes this).

What counts is given for each question type, too. No model takes part. An interval resamples conversations.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from alma_mcp.contract import Experience, Query, Step
from alma_mcp.errors import DataMissing
from evolve.benchmarks import Played, Recall, Scope, Split, Task, ranked_experiences
from evolve.benchmarks.metrics import hit
from evolve.benchmarks.metrics import recall as recalled
from evolve.benchmarks.splits import split_of

DEFAULT_DATA = Path("../shared/data/locomo/locomo_dev7.json")
SOURCE = "https://github.com/snap-research/locomo/blob/main/data/locomo10.json (CC BY-NC 4.0)"
DEPTHS = (1, 3, 5, 10)
CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop", 5: "adversarial"}
ADVERSARIAL = 5
EVIDENCE = re.compile(r"D\d+(:\d+)?")
TIME_FORMAT = "%I:%M %p on %d %B, %Y"

DESCRIBES = {
    "sessions": """\
Two people talk over months. An experience is one session of their conversation, its date in `task`, its turns in
`steps` (the actor is the speaker's name), in order of time. When all are stored, questions about what was said are
asked, 10 items each. What counts is on which sessions the returned items rest: `recall@k` is the fraction of a
question's evidence sessions among the first k distinct experiences, and `recall@10` is the score. Questions join
several sessions, ask for times, need knowledge of the world, or can be answered from one session; some ask for what
was never said, or of the wrong person.""",
    "turns": """\
Two people talk over months. An experience is one turn of their conversation (kind `turn`): one step, whose actor is the
speaker's name; `session` is the session it belongs to, `time` its place. When all are stored, questions about what was
said are asked, 10 items each. What counts is on which turns the returned items rest: `any@k` is whether one of a
question's evidence turns is among the first k distinct experiences, and `any@5` is the score. Questions join several
turns, ask for times, need knowledge of the world, or can be answered from one turn.""",
}

Documents = Literal["sessions", "turns"]


class Locomo:
    """The benchmark over one file in LoCoMo's published format."""

    def __init__(self, data: Path, conversations: int | None = None, documents: Documents = "sessions") -> None:
        self._data = data
        self._conversations = conversations
        self._documents: Documents = documents
        self.name, self.primary = ("locomo", "recall@10") if documents == "sessions" else ("locomo_turns", "any@5")

    def scopes(self, split: Split) -> Sequence[Scope]:
        """One scope a conversation; at most `conversations` of them."""
        records = [record for record in _read(self._data) if split in ("all", split_of(record["sample_id"]))]
        if not records:
            raise DataMissing(f"{self._data} has no conversation of the {split} split; the full file is at {SOURCE}.")
        try:
            return [_scope(record, self._documents) for record in records[: self._conversations]]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataMissing(f"{self._data} is not in LoCoMo's format ({error}); the file is at {SOURCE}.") from error

    async def play(self, scope: Scope, task: Task, recall: Recall) -> Played:  # noqa: ARG002
        found = ranked_experiences(await recall(task.query))
        metrics = {f"recall@{depth}": recalled(task.answer, found, depth) for depth in DEPTHS}
        metrics |= {f"any@{depth}": hit(task.answer, found, depth) for depth in DEPTHS}
        return Played(metrics | {f"{self.primary} {task.category}": metrics[self.primary]})


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        records = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataMissing(f"There is no file {path}; get it from {SOURCE} and name it with `--data PATH`.") from error
    except (OSError, ValueError) as error:
        raise DataMissing(f"Cannot read {path} as JSON ({error}); get it again from {SOURCE}.") from error
    if not isinstance(records, list) or not all(isinstance(each, dict) and "sample_id" in each for each in records):
        raise DataMissing(f"{path} is not in LoCoMo's format; the file is at {SOURCE}.")
    return records


def _scope(record: Mapping[str, Any], documents: Documents) -> Scope:
    name, conversation = record["sample_id"], record["conversation"]
    numbers = sorted(int(key[8:]) for key in conversation if key.startswith("session_") and key[8:].isdigit())
    made = _session if documents == "sessions" else _turns
    found = [each for n in numbers if conversation[f"session_{n}"] for each in made(name, n, conversation)]
    known = {experience.id for experience in found}
    asked_at = max(experience.time for experience in found)
    tasks = [
        _task(name, number, question, asked_at, documents)
        for number, question in enumerate(record["qa"])
        if documents == "sessions" or question["category"] != ADVERSARIAL
    ]
    return Scope(name, [*found, *(task for task in tasks if task.answer and task.answer <= known)])


def _session(name: str, number: int, conversation: Mapping[str, Any]) -> list[Experience]:
    steps = tuple(Step(turn["speaker"], _said(turn)) for turn in conversation[f"session_{number}"])
    task = f"Conversation, {conversation[f'session_{number}_date_time']}"
    time = _time(number, conversation)
    return [Experience(_opaque(name, f"D{number}"), "conversation", task, steps, time=time)]


def _turns(name: str, number: int, conversation: Mapping[str, Any]) -> list[Experience]:
    session, time = _opaque(name, f"D{number}"), _time(number, conversation)
    return [
        Experience(
            _opaque(name, turn["dia_id"]),
            "turn",
            steps=(Step(turn["speaker"], _said(turn)),),
            session=session,
            time=time + place,
        )
        for place, turn in enumerate(conversation[f"session_{number}"])
    ]


def _time(number: int, conversation: Mapping[str, Any]) -> float:
    when = conversation[f"session_{number}_date_time"]
    return datetime.strptime(when, TIME_FORMAT).replace(tzinfo=UTC).timestamp()


def _said(turn: Mapping[str, Any]) -> str:
    caption = turn.get("blip_caption")
    return f"{turn['text']} [shows {caption}]" if caption else str(turn["text"])


def _task(name: str, number: int, question: Mapping[str, Any], asked_at: float, documents: Documents) -> Task:
    turns = [part for text in question.get("evidence", ()) for part in text.replace(";", " ").split()]
    evidence = [turn.split(":")[0] for turn in turns] if documents == "sessions" else turns
    answer = frozenset(_opaque(name, each) for each in evidence if EVIDENCE.fullmatch(each))
    category = CATEGORIES[question["category"]]
    return Task(f"{name}:{number}", Query(question["question"], limit=10, time=asked_at), answer, name, category)


def _opaque(name: str, part: str) -> str:
    """An id that tells a design nothing."""
    return "m" + hashlib.sha256(f"locomo/{name}/{part}".encode()).hexdigest()[:16]
