"""Coding sessions on one code base, in order of time: which files will a session commit, given its first prompt?

Online: before a session its first prompt is asked, then the session is stored, so that no session is ever asked
about itself; records of one session that was saved twice (same start, same first prompt) are one session. A session is
an experience: its prompts, its replies, and as its outcome its commits and the files it changed. `recall@10` and
`ndcg@10` compare the files that the session went on to commit, known or new, with the files of the retrieved sessions
(`metrics.voted_files`); `ceiling` is the recall of a memory that names every known file that is right. Splits are
blocks of time: a later split's memory holds every earlier session. An interval resamples sessions.

Data: one JSON object a line with `session`, `started`, `prompts`, `replies`, `files_edited`, `files_committed`,
`commit_subjects`, as made from the public session records of entireio/cli (MIT).
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from alma_mcp.contract import Experience, Query, Step
from alma_mcp.errors import DataMissing
from evolve.benchmarks import Feedback, Recall, Scope, Split, Task, ranked_experiences
from evolve.benchmarks.metrics import ndcg, recall, voted_files
from evolve.benchmarks.splits import block_of_time

DEFAULT_DATA = Path("../shared/data/coding_stream/sessions.jsonl")
SOURCE = "the public session records of https://github.com/entireio/cli (MIT)"
DEPTH = 10
FEWEST_SESSIONS = 10
COLD_SESSIONS = 20
PROMPT_LENGTHS = (50, 200)


class CodingStream:
    """The benchmark over one file of sessions."""

    name = "coding_stream"
    primary = "recall@10"

    def __init__(self, data: Path) -> None:
        self._data = data

    def scopes(self, split: Split) -> Sequence[Scope]:
        """One scope: the code base."""
        try:
            sessions = _merged(_read(self._data))
            if len(sessions) < FEWEST_SESSIONS:
                raise DataMissing(f"{self._data} has {len(sessions)} sessions; at least {FEWEST_SESSIONS} are needed.")
            scope = _scope(self._data.stem, sessions, split)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise DataMissing(f"{self._data} is not a file of coding sessions ({error!r}); it is {SOURCE}.") from error
        if not any(isinstance(moment, Task) for moment in scope.moments):
            raise DataMissing(f"{self._data} has no session of the {split} split that commits a file.")
        return [scope]

    async def play(self, scope: Scope, task: Task, recall_: Recall) -> Mapping[str, float]:
        files = voted_files(ranked_experiences(await recall_(task.query)), scope.facts["files"])
        found = recall(task.answer, files, DEPTH)
        metrics = {"recall@10": found, "ndcg@10": ndcg(task.answer, files, DEPTH)}
        metrics["ceiling"] = scope.facts["ceiling"][task.id]
        return metrics | {f"recall@10 {part}": found for part in task.category.split("; ")}

    def popular(self, scope: Scope, task: Task) -> float:
        """The primary metric of the files most often committed before."""
        return recall(task.answer, scope.facts["popular"][task.id], DEPTH)


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    except FileNotFoundError as error:
        raise DataMissing(f"There is no file {path}; it is {SOURCE}, named with `--data PATH`.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise DataMissing(f"Cannot read {path} ({error}); it is {SOURCE}.") from error
    records = []
    for number, line in enumerate(lines, start=1):
        try:
            records.append(json.loads(line))
        except ValueError as error:
            raise DataMissing(f"Line {number} of {path} is not JSON; is the file cut short? It is {SOURCE}.") from error
    return records


def _merged(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The sessions in order of their start; of records of the same one the fullest texts and all files."""
    sessions: dict[tuple[str, str], dict[str, Any]] = {}
    for record in sorted(records, key=lambda each: str(each["started"])):
        known = sessions.setdefault((record["started"], record["prompts"][0]), record)
        for name in ("prompts", "replies"):
            known[name] = max(known[name], record[name], key=len)
        for name in ("files_edited", "files_committed", "commit_subjects"):
            known[name] = list(dict.fromkeys([*known[name], *record[name]]))
    return list(sessions.values())


def _scope(name: str, sessions: Sequence[Mapping[str, Any]], split: Split) -> Scope:
    first, last = block_of_time(sessions, split)
    moments: list[Experience | Feedback | Task] = []
    known: Counter[str] = Counter()
    popular: dict[str, list[str]] = {}
    ceiling: dict[str, float] = {}
    for number, session in enumerate(sessions[:last]):
        committed = frozenset(session["files_committed"])
        if number >= first and committed:
            task = _task(session, number, committed)
            moments.append(task)
            popular[task.id] = [file for file, _ in known.most_common(DEPTH)]
            ceiling[task.id] = recall(committed, sorted(committed & known.keys()), DEPTH)
        moments.append(_experience(session))
        known.update(committed)
    files = {_opaque(session): session["files_committed"] for session in sessions}
    return Scope(name, moments, {"files": files, "popular": popular, "ceiling": ceiling})


def _task(session: Mapping[str, Any], number: int, committed: frozenset[str]) -> Task:
    prompt = session["prompts"][0]
    length = next((f"prompt under {most} characters" for most in PROMPT_LENGTHS if len(prompt) < most), "longer prompt")
    parts = (f"month {session['started'][:7]}", length, "cold start" if number < COLD_SESSIONS else "warm")
    name = _opaque(session)
    return Task(name, Query(prompt, limit=10, time=_time(session)), committed, name, "; ".join(parts))


def _experience(session: Mapping[str, Any]) -> Experience:
    prompt, *prompts = session["prompts"]
    steps = [Step("user", each) for each in prompts] + [Step("assistant", each) for each in session["replies"]]
    changed = dict.fromkeys([*session["files_committed"], *session["files_edited"]])
    outcome = "\n".join([*session["commit_subjects"], *changed])
    return Experience(_opaque(session), "session", prompt, tuple(steps), outcome, time=_time(session))


def _time(session: Mapping[str, Any]) -> float:
    return datetime.fromisoformat(session["started"]).timestamp()


def _opaque(session: Mapping[str, Any]) -> str:
    """An id that tells a design nothing."""
    return "m" + hashlib.sha256(f"coding_stream/{session['session']}".encode()).hexdigest()[:16]
