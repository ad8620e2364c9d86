"""A promotion under load, through real pumps, a real engine and a scripted person; and the engine killed meanwhile."""

import os
import random
import signal
import time

import pytest

from alma_mcp.home import ProcessLock
from bench.home import CHALLENGER, BenchHome
from bench.swap import PHASES, Askers
from bench.texts import question

MEMORIES = 400
CLIENTS = 8


@pytest.fixture
def home(tmp_path):
    home = BenchHome(tmp_path, "none")
    home.home.settings.write_text('embedder = "none"\ncanary_share = 0.5\nkeep_questions = 4\n')
    home.fill(MEMORIES)
    yield home
    home.stop()


def kill(home):
    """As a power cut would. The next who asks starts another engine: a client, or `status`, whose answer this gives."""
    pid = ProcessLock(home.home.lock).holder()
    os.kill(pid, signal.SIGKILL)
    while ProcessLock(home.home.lock).holder() == pid:
        time.sleep(0.001)
    return home.champion()


def test_no_call_of_eight_clients_fails_in_a_swap_and_a_rollback(home):
    home.take_in(MEMORIES)
    with Askers(home, MEMORIES, CLIENTS, pause=0.01) as askers:
        for phase in PHASES[:2]:
            with askers.during(phase):
                home.request(CHALLENGER)
                home.until("ready")
        with askers.during(PHASES[2]):
            home.approve(CHALLENGER)
            home.until("live")
        with askers.during(PHASES[3]):
            assert home.champion() == CHALLENGER
        with askers.during(PHASES[4]):
            home.roll_back()
            assert home.champion() == "hybrid"
    assert askers.failed == dict.fromkeys(PHASES, 0)
    assert min(map(len, askers.times.values())) > 0


def test_an_engine_that_is_killed_at_any_moment_of_a_swap_loses_no_call_and_no_memory(home):
    chance = random.Random(6)
    home.take_in(MEMORIES)
    with Askers(home, MEMORIES, 4, pause=0.02) as askers, askers.during(PHASES[2]):
        home.request(CHALLENGER)
        struck(home, chance)
        home.until("ready")
        struck(home, chance)
        home.until("ready")
        home.approve(CHALLENGER)
        struck(home, chance)
        home.until("live")
        struck(home, chance)
        assert home.champion() == CHALLENGER
        home.roll_back()
        assert kill(home) == "hybrid"
    assert askers.failed[PHASES[2]] == 0
    with home.client() as client:
        for number in range(0, MEMORIES, 40):
            assert f"job {number} runs" in client.call("retrieve", query=question(number), limit=50, max_tokens=20_000)


def struck(home, chance):
    """Kill the engine within half a second."""
    time.sleep(chance.uniform(0.0, 0.5))
    kill(home)
