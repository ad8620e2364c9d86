"""`alma-evolve run`, `stop` and `status`, as they are typed."""

import json
import subprocess
import sys

import pytest
from made import write_locomo

HOLDING = """
import sys
from pathlib import Path
from alma_mcp.home import ProcessLock
assert ProcessLock(Path(sys.argv[1])).acquire()
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def search(tmp_path):
    """The arguments of a small search without a model."""
    data = write_locomo(tmp_path / "locomo.json")
    file = tmp_path / "search.toml"
    file.write_text(
        f'benchmark = "locomo"\ndata = "{data}"\nembedder = "none"\ncandidates = 2\ncontrol = 0.5\n'
        'seeds = ["no_memory", "lexical"]\ndonors = ["hybrid"]\n'
    )
    return ["run", "--config", file, "--rounds", "2"]


@pytest.fixture
def another(tmp_path):
    """Another process that searches over the home; gives its id."""
    (tmp_path / "home").mkdir()
    lock = tmp_path / "home" / "search.lock"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", HOLDING, str(lock)], stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process.pid
        process.stdin.close()


def test_a_run_ends_with_a_report_that_names_its_gain_over_designs_from_scratch(alma_evolve, search):
    code, out, err = alma_evolve(*search, "--json")
    assert code == 0, err
    report = json.loads(out)
    assert (report["done"], report["candidates"], report["best"]["status"]) == (2, 4, "scored")
    assert report["gain_over_iid"]["candidates"] >= 1
    assert report["spent"]["agent"]["episodes"] > 24
    assert len(err.splitlines()) >= 6, "a line a candidate where nobody looks at a terminal"
    code, out, _ = alma_evolve(*search)
    assert code == 0
    assert "Gain over designs from scratch" in out
    assert "Next: alma-evolve promote" in out


def test_a_dry_run_says_what_it_would_cost_and_begins_nothing(alma_evolve, search):
    code, out, _ = alma_evolve(*search, "--dry-run")
    assert (code, "4 candidates; at most 72 episodes; to write designs: no model." in out) == (0, True)
    assert json.loads(alma_evolve("status", "--json")[1])["runs"] == []
    estimate = json.loads(alma_evolve(*search, "--dry-run", "--json")[1])
    assert (estimate["candidates"], estimate["most_episodes"], estimate["calls"]) == (4, 72, 0)


def test_one_search_at_a_time_works_on_a_home(alma_evolve, search, another, tmp_path):
    code, out, err = alma_evolve(*search)
    assert (code, out) == (1, "")
    assert f"(process {another})" in err
    assert json.loads(alma_evolve("status", "--json")[1])["at_work"] == another
    code, out, _ = alma_evolve("stop")
    assert (code, f"process {another}" in out) == (0, True)
    assert (tmp_path / "home" / "stop-search").exists()


def test_where_nothing_is_at_work_nothing_is_stopped(alma_evolve):
    code, _, err = alma_evolve("stop")
    assert (code, "No search is at work" in err) == (1, True)
