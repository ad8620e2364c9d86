"""The archive's SQLite file: its tables, and how an older one is brought up to date."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from alma_mcp.errors import EvolveError

SCHEMA = """
CREATE TABLE IF NOT EXISTS designs (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, proposer TEXT NOT NULL, hypothesis TEXT NOT NULL,
    parents TEXT NOT NULL, at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS verdicts (
    design TEXT NOT NULL, benchmark TEXT NOT NULL, split TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (design, benchmark, split)
);
CREATE TABLE IF NOT EXISTS results (
    design TEXT NOT NULL, benchmark TEXT NOT NULL, split TEXT NOT NULL, version INTEGER NOT NULL,
    task TEXT NOT NULL, seed INTEGER NOT NULL, agent TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (design, benchmark, split, version, task, seed)
);
CREATE TABLE IF NOT EXISTS lessons (
    design TEXT NOT NULL, line TEXT NOT NULL, held INTEGER NOT NULL, failed INTEGER NOT NULL, place INTEGER NOT NULL,
    PRIMARY KEY (design, line)
);
CREATE TABLE IF NOT EXISTS runs (
    id INTEGER PRIMARY KEY, configuration TEXT NOT NULL, rounds INTEGER NOT NULL, done INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS journal (
    run INTEGER NOT NULL, step TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (run, step)
);
CREATE TABLE IF NOT EXISTS asked (
    run INTEGER NOT NULL, step TEXT NOT NULL, question TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (run, step, question)
);
CREATE TABLE IF NOT EXISTS costs (
    run INTEGER NOT NULL, step TEXT NOT NULL, what TEXT NOT NULL, who TEXT NOT NULL, calls INTEGER NOT NULL,
    tokens INTEGER NOT NULL, dollars REAL, episodes INTEGER NOT NULL, seconds REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS openings (
    number INTEGER PRIMARY KEY AUTOINCREMENT, benchmark TEXT NOT NULL, challenger TEXT NOT NULL,
    champion TEXT NOT NULL, at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS challenges (
    id INTEGER PRIMARY KEY AUTOINCREMENT, benchmark TEXT NOT NULL, challenger TEXT NOT NULL, champion TEXT NOT NULL,
    finalists TEXT NOT NULL, at REAL NOT NULL, opening INTEGER NOT NULL DEFAULT 0, ended TEXT NOT NULL DEFAULT ''
);
"""

COLUMNS = (
    "ALTER TABLE runs ADD COLUMN known TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE runs ADD COLUMN benchmark TEXT NOT NULL DEFAULT ''",
)
"""What tables have gained since they were first made; the n-th brings an archive to version n."""


def open_database(path: Path) -> sqlite3.Connection:
    """The archive in this file, made if it is not there, with all that this version keeps. Raises `EvolveError`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        database = sqlite3.connect(path, isolation_level=None, timeout=30)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=NORMAL")  # survives any kill; a power cut may cost the last moments
        with transaction(database):
            _bring_up(database, path)
    except (OSError, sqlite3.Error) as error:
        raise EvolveError(f"Cannot open the archive {path}: {error}.") from error
    return database


def open_to_read(path: Path) -> sqlite3.Connection:
    """The archive in this file as it is now, to be read alone; nobody who writes waits for it. Raises `EvolveError`.

    One that was written by an older version is brought up to date first.
    """
    try:
        database = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None, timeout=5)
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version != len(COLUMNS):
            database.close()
            database = open_database(path)
        database.execute("PRAGMA query_only = ON")
        database.execute("BEGIN")
    except sqlite3.Error as error:
        raise EvolveError(f"Cannot read the archive {path}: {error}.") from error
    return database


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing; one within another is part of that."""
    if database.in_transaction:
        yield
        return
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def _bring_up(database: sqlite3.Connection, path: Path) -> None:
    for statement in SCHEMA.split(";"):
        database.execute(statement)
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version > len(COLUMNS):
        raise EvolveError(f"The archive {path} is of a newer version of alma-mcp; update this one.")
    for statement in COLUMNS[version:]:
        database.execute(statement)
    database.execute(f"PRAGMA user_version = {len(COLUMNS)}")
