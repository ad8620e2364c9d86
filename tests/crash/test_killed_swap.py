import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from alma_mcp.hosts import bubblewrap

ROOT = Path(__file__).parents[2]
CHILD = Path(__file__).with_name("one_swap.py")
PROMISED = ("ChampionLedger.record", "ChampionLedger.append", "Serving.ledger_changed", "Generation.save", "Link.call")


def killed(folder, who, every):
    """Lives of one promotion, each killed at another moment; gives the moments and what went wrong."""
    done = subprocess.run(
        [sys.executable, str(CHILD), str(folder), who, str(every)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    return [found["happened"][number - 1] for number in found["moments"]], found["failed"]


def test_a_swap_killed_at_any_of_its_steps_ends_in_the_old_or_the_new_champion_whole(tmp_path):
    moments, failed = killed(tmp_path, "engine", 12)
    assert failed == {}
    assert len(moments) > 25
    assert {f"{when} {what}" for when in ("before", "after") for what in PROMISED} <= set(moments)


def test_workers_killed_at_the_steps_of_a_swap_leave_no_trace_in_it(tmp_path):
    if not (tier := bubblewrap.probe()).name:
        pytest.skip(f"cannot run here: no sandbox ({tier.reason})")
    moments, failed = killed(tmp_path, "workers", 30)
    assert failed == {}
    assert len(moments) > 25
