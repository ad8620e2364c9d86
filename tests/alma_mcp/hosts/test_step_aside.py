import os
import subprocess
import sys
from pathlib import Path

import pytest

from alma_mcp.hosts.bounds import LOWERED, lower

SLEEPER = [sys.executable, "-c", "import sys; sys.stdin.read()"]


@pytest.fixture
def sleeper():
    """A process in a session of its own, as a worker in the sandbox is."""
    process = subprocess.Popen(SLEEPER, stdin=subprocess.PIPE, start_new_session=True)
    yield process.pid
    process.stdin.close()
    process.wait()


def priority_of_session(pid: int | str) -> int | None:
    path = Path(f"/proc/{pid}/autogroup")
    return int(path.read_text().split()[2]) if path.exists() and path.read_text() else None


def test_a_process_that_is_lowered_leaves_the_processor_to_us_and_we_are_left_as_we_were(sleeper):
    ours, before = priority_of_session("self"), os.getpriority(os.PRIO_PROCESS, 0)
    lower(sleeper)
    assert os.getpriority(os.PRIO_PROCESS, sleeper) == min(19, before + LOWERED)
    assert os.getpriority(os.PRIO_PROCESS, 0) == before
    assert priority_of_session("self") == ours
    if ours is not None:
        assert priority_of_session(sleeper) == min(19, ours + LOWERED)


def test_a_process_that_has_ended_is_no_trouble():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    lower(process.pid)
