"""Coding sessions on one code base, in order of time: which files will a session commit, given its first prompt?

A file stream (`evolve.benchmarks.file_stream`) of one scope: no session is ever asked about itself, since records of
one that was saved twice (same start, same first prompt) are one session. A session is an experience: its prompts, its
replies, and as its outcome its commits and the files it changed. `recall@10` also by month, by length of the prompt,
cold and warm. Splits are blocks of time: a later split's memory holds every earlier session. An interval resamples
sessions.

Data: one JSON object a line with `session`, `started`, `prompts`, `replies`, `files_edited`, `files_committed`,
`commit_subjects`, as made from the public session records of entireio/cli (MIT).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from alma_mcp.contract import Experience, Step
from alma_mcp.errors import DataMissing
from evolve.benchmarks import Scope, Split, Task
from evolve.benchmarks.file_stream import SCORING, FileStream, Work, stream

DEFAULT_DATA = Path("../shared/data/coding_stream/sessions.jsonl")
SOURCE = "the public session records of https://github.com/entireio/cli (MIT)"
DESCRIBES = f"""\
Sessions of a coding assistant on one code base, in order of time. Before each session its first prompt is asked, 10
items; then the session is stored: `task` is the first prompt, `steps` the later prompts (actor `user`) and replies
(`assistant`), `outcome` its commit subjects and the files it changed, a line each. {SCORING}"""
FEWEST_SESSIONS = 10
COLD_SESSIONS = 20
PROMPT_LENGTHS = (50, 200)


class CodingStream(FileStream):
    """The benchmark over one file of sessions."""

    name = "coding_stream"

    def __init__(self, data: Path) -> None:
        self._data = data

    def scopes(self, split: Split) -> Sequence[Scope]:
        """One scope: the code base."""
        try:
            works = [_work(number, session) for number, session in enumerate(_merged(_read(self._data)))]
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise DataMissing(f"{self._data} is not a file of coding sessions ({error!r}); it is {SOURCE}.") from error
        if len(works) < FEWEST_SESSIONS:
            raise DataMissing(f"{self._data} has {len(works)} sessions; at least {FEWEST_SESSIONS} are needed.")
        scope = stream(self._data.stem, works, split)
        if not any(isinstance(moment, Task) for moment in scope.moments):
            raise DataMissing(f"{self._data} has no session of the {split} split that commits a file.")
        return [scope]


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


def _work(number: int, session: Mapping[str, Any]) -> Work:
    prompt, *prompts = session["prompts"]
    time = datetime.fromisoformat(session["started"]).timestamp()
    steps = [Step("user", each) for each in prompts] + [Step("assistant", each) for each in session["replies"]]
    changed = dict.fromkeys([*session["files_committed"], *session["files_edited"]])
    outcome = "\n".join([*session["commit_subjects"], *changed])
    known_by = f"coding_stream/{session['session']}/{session['started']}/{prompt}"
    name = "m" + hashlib.sha256(known_by.encode()).hexdigest()[:16]
    length = next((f"prompt under {most} characters" for most in PROMPT_LENGTHS if len(prompt) < most), "longer prompt")
    parts = (f"month {session['started'][:7]}", length, "cold start" if number < COLD_SESSIONS else "warm")
    experience = Experience(name, "session", prompt, tuple(steps), outcome, time=time)
    return Work(prompt, experience, session["files_committed"], name, parts)
