"""LongMemEval_S session retrieval (Wu et al., ICLR 2025; xiaowu0162/LongMemEval): which sessions hold the answer?

Each question is a memory of its own. Collection: its haystack sessions in order of time, one experience each, which
holds the user's turns alone, as both published protocols do; a session without any is left out. Deployment: the one
question, at its own date. No model takes part.

- `recall_any@5`: whether one of `answer_session_ids` is among the first five sessions, over all questions,
  those of abstention too. The protocol that MemPalace and ALMA-memory publish as R@5.
- `recall_all@5`, `recall_all@10`, `ndcg_any@10`: LongMemEval's own `evaluate_retrieval` and its selection. An answer
  session counts where a turn of the user is marked `has_answer`; questions without one, and those of abstention
  (ids that end in `_abs`), are left out. Its discount is 1 for the first two ranks, then 1 / log2(rank).

Each metric also for each question type.
"""

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from alma_mcp.contract import Experience, Query, Step
from alma_mcp.errors import DataMissing
from evolve.benchmarks import Played, Recall, Scope, Split, Task, ranked_experiences
from evolve.benchmarks.json_array import elements
from evolve.benchmarks.splits import split_of

FILE = "longmemeval_s_cleaned.json"
SOURCE = "`alma-evolve data longmemeval` gets the file"
DEPTH = 10
ABSTENTION = "_abs"

DESCRIBES = """\
Each question has a memory of its own: some fifty chat sessions of one user with an assistant. An experience is one
session: its user's turns in `steps`, its date as `time`. Then one question is asked at its own date, 10 items. What
counts is on which sessions the returned items rest: `recall_any@5`, the score, is whether a session that holds the
answer is among the first five distinct experiences; `recall_all@k` whether all of them are. Questions ask for what the
user said, or the assistant did, or prefers, for things that changed since, for times, and for several sessions
joined."""

Turns = Literal["user", "all"]


class LongMemEval:
    """The benchmark over one file in LongMemEval's published format.

    `turns` says which turns of a session are remembered. `all` is neither published protocol, and named so; an
    answer session of the official metrics is then one where any turn is marked.
    """

    primary = "recall_any@5"

    def __init__(self, data: Path, questions: int | None = None, turns: Turns = "user") -> None:
        self._data = data
        self._questions = questions
        self._turns = turns
        self.name = "longmemeval" if turns == "user" else "longmemeval, all turns"

    def scopes(self, split: Split) -> Sequence[Scope]:
        """One scope a question, in the order of a hash, so that `questions` of them are of every type."""
        scopes = sorted(self._read(split), key=lambda scope: _opaque(scope.name))
        if not scopes:
            raise DataMissing(f"{self._data} has no question of the {split} split; {SOURCE}.")
        return scopes[: self._questions]

    async def play(self, scope: Scope, task: Task, recall: Recall) -> Played:
        session_of: Mapping[str, str] = scope.facts["session_of"]
        experiences = ranked_experiences(await recall(task.query))
        found = list(dict.fromkeys(session_of[each] for each in experiences if each in session_of))
        answers = {session_of[each] for each in task.answer}
        metrics = {"recall_any@5": float(not answers.isdisjoint(found[:5]))}
        if marked := scope.facts["marked"]:
            metrics["recall_all@5"] = float(marked <= set(found[:5]))
            metrics["recall_all@10"] = float(marked <= set(found[:10]))
            metrics["ndcg_any@10"] = _ndcg(found, marked)
        return Played({**metrics, **{f"{name} {task.category}": value for name, value in metrics.items()}})

    def _read(self, split: Split) -> Iterator[Scope]:
        try:
            for number, record in enumerate(elements(self._data), start=1):
                scope = self._scope(number, record)
                if split in ("all", split_of(scope.name)):
                    yield scope
        except FileNotFoundError as error:
            raise DataMissing(f"There is no file {self._data}; {SOURCE}, or name it with `--data PATH`.") from error
        except (OSError, ValueError) as error:
            raise DataMissing(f"Cannot read {self._data} as a JSON array ({error}); {SOURCE}.") from error

    def _scope(self, number: int, record: Any) -> Scope:
        try:
            return _scope(record, self._turns)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataMissing(
                f"{self._data} is not in LongMemEval's format (question {number}: {error!r}); {SOURCE}."
            ) from error


def _scope(record: Mapping[str, Any], turns: Turns) -> Scope:
    name = record["question_id"]
    haystack = zip(record["haystack_session_ids"], record["haystack_dates"], record["haystack_sessions"], strict=True)
    sessions: list[Experience] = []
    session_of: dict[str, str] = {}
    marked: set[str] = set()
    for number, (session_id, date, said) in enumerate(haystack):
        kept = [turn for turn in said if turns == "all" or turn["role"] == "user"]
        if not kept:
            continue
        steps = tuple(Step(turn["role"], turn["content"]) for turn in kept)
        session = Experience(_opaque(f"{name}/{number}"), kind="conversation", steps=steps, time=_time(date))
        sessions.append(session)
        session_of[session.id] = session_id
        if any(turn.get("has_answer") for turn in kept):
            marked.add(session_id)
    answers = set(record["answer_session_ids"])
    facts = {"session_of": session_of, "marked": set() if name.endswith(ABSTENTION) else marked & answers}
    query = Query(record["question"], limit=DEPTH, time=_time(record["question_date"]))
    answer = frozenset(each for each, session_id in session_of.items() if session_id in answers)
    task = Task(name, query, answer, name, record["question_type"])
    return Scope(name, [*sorted(sessions, key=lambda session: session.time), task], facts)


def _time(date: str) -> float:
    """Seconds since the epoch of a date such as `2023/05/20 (Sat) 02:21`."""
    day, _, hour = date.split()
    return datetime.strptime(f"{day} {hour}", "%Y/%m/%d %H:%M").replace(tzinfo=UTC).timestamp()


def _ndcg(found: Sequence[str], answers: AbstractSet[str]) -> float:
    gain = sum(_discount(rank) for rank, session in enumerate(found[:DEPTH], start=1) if session in answers)
    return gain / sum(_discount(rank) for rank in range(1, min(len(answers), DEPTH) + 1))


def _discount(rank: int) -> float:
    return 1.0 if rank == 1 else 1 / math.log2(rank)


def _opaque(name: str) -> str:
    """An id that tells a design nothing: those of the answer sessions begin with `answer_`."""
    return "m" + hashlib.sha256(f"longmemeval/{name}".encode()).hexdigest()[:16]
