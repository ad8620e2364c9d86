import json
import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from made import write_locomo

ROOT = Path(__file__).parents[2]
CHILD = Path(__file__).with_name("one_search.py")
KILLS = 20
LIVES = 15
"""A life is at most such a part of the whole search, half of that in the mean: twenty do not reach its end."""

MEASURED = {"latency_ms", "seconds", "memory_bytes", "state_bytes"}


@pytest.fixture
def searched(tmp_path):
    """Runs the search of a home, which kills itself when so many things have happened; says how many there were."""
    data = write_locomo(tmp_path / "data.json")

    def run(name, last=0):
        home = tmp_path / name
        home.mkdir(exist_ok=True)
        done = subprocess.run(
            [sys.executable, str(CHILD), str(home), str(data), str(last)],
            cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == (-signal.SIGKILL if last else 0), done.stderr
        return int(done.stdout or 0)

    return run


def test_a_search_killed_twenty_times_ends_with_the_archive_of_one_that_never_was(searched, tmp_path):
    happened = searched("whole")
    chance = random.Random(5)
    for _ in range(KILLS):
        searched("killed", chance.randint(1, happened // LIVES))
    searched("killed")
    whole = archived(tmp_path / "whole")
    assert archived(tmp_path / "killed") == whole
    assert len(whole["results"]) > 150, "most candidates are played, and not rejected"


def test_what_a_killed_search_has_paid_for_it_does_not_pay_for_again(searched, tmp_path):
    happened = searched("whole")
    for part in (50, 9, 6, 20, 4):
        searched("killed", happened // part)
    searched("killed")
    once = sorted((tmp_path / "whole" / "paid").read_text().splitlines())
    assert len(once) == len(set(once))
    assert sorted((tmp_path / "killed" / "paid").read_text().splitlines()) == once


def archived(home):
    """All that an archive holds, but for what a clock has measured."""
    with sqlite3.connect(home / "archive.db") as database:

        def read(sql):
            return [tuple(timeless(each) for each in row) for row in database.execute(sql).fetchall()]

        return {
            "designs": read("SELECT id, name, proposer, hypothesis, parents FROM designs ORDER BY id"),
            "verdicts": read("SELECT design, benchmark, split, body FROM verdicts ORDER BY 1, 2, 3"),
            "results": read("SELECT design, benchmark, split, task, seed, body FROM results ORDER BY 1, 2, 3, 4, 5"),
            "lessons": read("SELECT design, line, held, failed, place FROM lessons ORDER BY 1, 5"),
            "journal": read("SELECT run, step, body FROM journal ORDER BY 1, 2"),
            "asked": read("SELECT run, step, question, body FROM asked ORDER BY 1, 2, 3"),
            "runs": read("SELECT id, configuration, rounds, done, known FROM runs"),
            "spent": read(
                "SELECT what, who, sum(calls), sum(tokens), sum(episodes) FROM costs GROUP BY 1, 2 ORDER BY 1, 2"
            ),
        }


def timeless(value):
    """A column without what was measured: JSON is read, and its seconds and milliseconds are left out."""
    if not (isinstance(value, str) and value.startswith("{")):
        return value

    def without(item):
        match item:
            case dict():
                return {key: without(each) for key, each in item.items() if key not in MEASURED}
            case list():
                return [without(each) for each in item]
        return item

    return without(json.loads(value))
