"""ALMA's domains from the command line: a real design, a real agent, real containers."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from made_games import ALFWORLD, TEXTWORLD, make_games

from alma_mcp.hosts.docker_daemon import docker_answers
from evolve.environments import FAMILIES
from evolve.environments.images import is_built
from evolve.episodes import Episodes

ALMA_EVOLVE = Path(sys.executable).with_name("alma-evolve")
QUICK = ("--split", "all", "--embedder", "none")


def why_not() -> str:
    if not docker_answers():
        return "no Docker daemon answers"
    missing = [family for family in sorted(set(FAMILIES.values())) if not is_built(family)]
    return f"`alma-evolve images build {missing[0]}` has not been run" if missing else ""


NOT_HERE = why_not()
pytestmark = pytest.mark.skipif(bool(NOT_HERE), reason=NOT_HERE)


def evolve(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(ALMA_EVOLVE), "--home", str(home), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def evaluated(home: Path, *arguments: str) -> dict:
    done = evolve(home, "evaluate", *arguments, *QUICK)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def games(tmp_path_factory):
    """Two ALFWorld games of one kind and four treasure hunts, copies of what the image itself made."""
    made, folder = tmp_path_factory.mktemp("made"), tmp_path_factory.mktemp("games")
    make_games(made)
    game = json.loads((made / ALFWORLD).read_text()) | {"solvable": True}
    for number in range(2):
        place = folder / "json_2.1.1" / "valid_train" / f"pick_and_place_simple-Mug-None-Table-{number}" / "trial"
        place.mkdir(parents=True)
        (place / "game.tw-pddl").write_text(json.dumps(game))
    hunts = folder / "treasure_hunter"
    hunts.mkdir()
    for number in range(4):
        for ending in (".z8", ".json"):
            shutil.copy((made / TEXTWORLD).with_suffix(ending), hunts / f"hunt_{number}{ending}")
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    folder.chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("domain", "options"),
    [
        ("alfworld", ()),
        ("textworld", ()),
        ("babaisai", ("--train-size", "8")),
        ("minihack", ("--train-size", "16")),
    ],
)
def test_a_domain_is_evaluated_from_the_command_line(tmp_path, games, domain, options):
    data = ("--data", str(games)) if domain in ("alfworld", "textworld") else ()
    report = evaluated(tmp_path, "lexical", "--benchmark", domain, *options, *data)
    assert report["benchmark"].startswith(f"{domain}/scripted/train/batched/")
    assert report["tasks"] > 0
    assert report["missing"] == report["failures"] == 0
    assert set(report["controls"]) == {"no_memory", "empty", "shuffled"}
    assert report["controls"]["empty"] == report["controls"]["no_memory"]
    assert {"score", "won", "steps"} <= set(report["metrics"])


def test_the_same_command_gives_the_same_trajectories_twice_and_shows_one(tmp_path):
    arguments = ("lexical", "--task_type", "babaisai", "--train_size", "8", "--no-controls")
    kept = []
    for home in (tmp_path / "first", tmp_path / "second"):
        name = evaluated(home, *arguments)["benchmark"]
        plays = Episodes(home / "episodes").read(name)
        kept.append(sorted((each.game.id, each.retrieved, each.steps) for each in plays))
    assert kept[0] == kept[1] != []
    file = Episodes(tmp_path / "first" / "episodes").path(name)
    number = json.loads(file.read_text().splitlines()[0])["id"]
    shown = evolve(tmp_path / "first", "show", number)
    assert shown.returncode == 0
    assert "Played by scripted" in shown.stdout
    assert "  1 > " in shown.stdout


def test_a_memory_that_learns_is_played_with_the_originals_flags(tmp_path):
    done = evolve(
        tmp_path, "evaluate", "--memo_SHA", "similarity", "--task_type", "babaisai", "--rollout_type", "sequential",
        "--status", "eval_in_distribution", "--execution_model", "scripted", "--meta_model", "gpt-5",
        "--batch_max_update_concurrent", "2", "--batch_max_retrieve_concurrent", "2", "--update_size", "3",
        "--scopes", "4", "--no-controls", "--embedder", "none",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert (report["name"], report["tasks"]) == ("trajectory_retrieval", 4)
    assert report["benchmark"].startswith("babaisai/scripted/eval_in_distribution/sequential/")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("lexical", "--benchmark", "alfworld", "--data", "nowhere"), "alfworld-download"),
        (("--benchmark", "babaisai"), "Name one design"),
        (("lexical", "--benchmark", "babaisai", "--agent", "local:nowhere.gguf"), "There is no model at nowhere.gguf"),
        (("lexical", "--benchmark", "babaisai", "--agent", "gpt-5-nano/low"), "ALMA_EVOLVE_AGENT_API_KEY"),
    ],
)
def test_bad_input_is_answered_by_a_sentence(tmp_path, arguments, sentence):
    done = evolve(tmp_path, "evaluate", *arguments)
    assert done.returncode != 0
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_search_on_a_domain_makes_and_judges_designs(tmp_path):
    done = evolve(tmp_path, "run", "--task-type", "babaisai", "--rounds", "1", "--train-size", "20")
    assert done.returncode == 0, done.stderr
    assert "babaisai/scripted/train/batched/" in done.stdout
    assert done.stdout.count("recombine-") >= 1
    listed = evolve(tmp_path, "list", "--benchmark", "babaisai")
    assert listed.stdout.count("recombine-") == done.stdout.count("recombine-")


def test_a_search_on_a_domain_keeps_the_games_of_its_candidates(tmp_path):
    file = tmp_path / "search.toml"
    file.write_text(
        'benchmark = "babaisai"\nseeds = ["no_memory", "lexical"]\ndonors = ["grep"]\n'
        'candidates = 2\nembedder = "none"\n'
        "control = 0.5\n[play]\ntrain_size = 24\n"
    )
    done = evolve(tmp_path, "run", "--config", str(file), "--rounds", "1", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["done"], report["candidates"], report["best"]["status"]) == (1, 2, "scored")
    assert report["spent"]["agent"]["episodes"] > 0
    episodes = list(Episodes(tmp_path / "episodes").read(report["benchmark"]))
    assert {episode.agent for episode in episodes} == {"scripted"}
