"""LoCoMo session retrieval (Maharana et al., 2024; snap-research/locomo): which sessions hold the evidence?

Collection: the sessions of a conversation in order of time, one experience each. Deployment: its questions.
`recall@k` is the fraction of a question's evidence sessions among the first k retrieved, `any@k` whether one
of them is there, k = 1, 3, 5, 10; `recall@10` also for each of the five question types. No model takes part.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alma_mcp.contract import Experience, Query, Step
from alma_mcp.errors import DataMissing
from evolve.benchmarks import Recall, Scope, Split, Task, ranked_experiences
from evolve.benchmarks.splits import split_of

DEFAULT_DATA = Path("../shared/data/locomo/locomo_dev7.json")
SOURCE = "https://github.com/snap-research/locomo/blob/main/data/locomo10.json (CC BY-NC 4.0)"
DEPTHS = (1, 3, 5, 10)
CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop", 5: "adversarial"}
TIME_FORMAT = "%I:%M %p on %d %B, %Y"


class Locomo:
    """The benchmark over one file in LoCoMo's published format."""

    name = "locomo"
    primary = "recall@10"

    def __init__(self, data: Path, conversations: int | None = None) -> None:
        self._data = data
        self._conversations = conversations

    def scopes(self, split: Split) -> Sequence[Scope]:
        """One scope a conversation; at most `conversations` of them."""
        records = [record for record in _read(self._data) if split in ("all", split_of(record["sample_id"]))]
        if not records:
            raise DataMissing(f"{self._data} has no conversation of the {split} split; the full file is at {SOURCE}.")
        try:
            return [_scope(record) for record in records[: self._conversations]]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataMissing(f"{self._data} is not in LoCoMo's format ({error}); the file is at {SOURCE}.") from error

    async def play(self, scope: Scope, task: Task, recall: Recall) -> Mapping[str, float]:  # noqa: ARG002
        found = ranked_experiences(await recall(task.query))
        metrics: dict[str, float] = {}
        for depth in DEPTHS:
            hits = len(task.answer & set(found[:depth]))
            metrics[f"recall@{depth}"] = hits / len(task.answer)
            metrics[f"any@{depth}"] = float(hits > 0)
        return {**metrics, f"recall@10 {task.category}": metrics["recall@10"]}


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


def _scope(record: Mapping[str, Any]) -> Scope:
    name, conversation = record["sample_id"], record["conversation"]
    numbers = sorted(int(key[8:]) for key in conversation if key.startswith("session_") and key[8:].isdigit())
    sessions = [_session(name, number, conversation) for number in numbers if conversation[f"session_{number}"]]
    known = {session.id for session in sessions}
    asked_at = max(session.time for session in sessions)
    tasks = [_task(name, number, question, asked_at) for number, question in enumerate(record["qa"])]
    return Scope(name, [*sessions, *(task for task in tasks if task.answer and task.answer <= known)])


def _session(name: str, number: int, conversation: Mapping[str, Any]) -> Experience:
    when = conversation[f"session_{number}_date_time"]
    time = datetime.strptime(when, TIME_FORMAT).replace(tzinfo=UTC).timestamp()
    steps = tuple(Step(turn["speaker"], _said(turn)) for turn in conversation[f"session_{number}"])
    return Experience(_opaque(name, number), kind="conversation", task=f"Conversation, {when}", steps=steps, time=time)


def _said(turn: Mapping[str, Any]) -> str:
    caption = turn.get("blip_caption")
    return f"{turn['text']} [shows {caption}]" if caption else str(turn["text"])


def _task(name: str, number: int, question: Mapping[str, Any], asked_at: float) -> Task:
    sessions = {part.split(":")[0] for text in question.get("evidence", ()) for part in text.replace(";", " ").split()}
    answer = frozenset(_opaque(name, int(session[1:])) for session in sessions if session[1:].isdigit())
    category = CATEGORIES[question["category"]]
    return Task(f"{name}:{number}", Query(question["question"], limit=10, time=asked_at), answer, name, category)


def _opaque(name: str, number: int) -> str:
    """An id that tells a design nothing."""
    return "m" + hashlib.sha256(f"locomo/{name}/{number}".encode()).hexdigest()[:16]
