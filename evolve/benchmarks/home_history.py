"""What the logs of a home tell of its past: read-only, and also while its engine runs."""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alma_mcp.errors import DataMissing
from alma_mcp.home import Home
from alma_mcp.logs.experience_log import Event
from alma_mcp.logs.question_log import Question


@dataclass(frozen=True, slots=True)
class HomeHistory:
    """The questions of a home, oldest first, and the events of its log that are not forgotten, by position."""

    questions: Sequence[Question]
    events: Sequence[Event]


def read_history(home: Home) -> HomeHistory:
    """The history of a home. Raises `DataMissing`."""
    if not home.experiences.is_file():
        raise DataMissing(f"{home.path} is no home of alma-mcp; name one with `--data PATH`.")
    if not home.questions.is_file():
        raise DataMissing(
            f"{home.path} has no question log yet: `retrieve` writes it, unless `keep_questions` in serve.toml is 0."
        )
    questions = _rows(home.questions, "SELECT at, position, body FROM questions ORDER BY number")
    events = _rows(
        home.experiences,
        "SELECT position, scope, kind, at, body FROM events WHERE body IS NOT NULL ORDER BY position",
    )
    try:
        return HomeHistory(
            [Question.from_row(*row) for row in questions],
            [Event(position, scope, kind, at, json.loads(body)) for position, scope, kind, at, body in events],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DataMissing(f"The logs of {home.path} hold a row that cannot be read ({error!r}).") from error


def _rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    """The rows of a query; nothing is written, not even beside the file.

    A database without a write-ahead log beside it is open nowhere, and can be read as a file that does not change.
    """
    unchanging = "" if path.with_name(path.name + "-wal").exists() else "&immutable=1"
    address = f"{path.resolve().as_uri()}?mode=ro{unchanging}"
    try:
        with closing(sqlite3.connect(address, uri=True)) as connection:
            return connection.execute(sql).fetchall()
    except sqlite3.Error as error:
        raise DataMissing(f"Cannot read {path} ({error}); it is no log of alma-mcp, or is damaged.") from error
