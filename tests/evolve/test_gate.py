import json
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from made import write_coding_stream
from made_environment import DoorAgent, made_environments
from made_gate import KNOWS, Made, gate_of, knowing

from alma_mcp.design_store import Design, bundled_designs
from alma_mcp.errors import EvolveError
from evolve.benchmarks.coding_stream import CodingStream
from evolve.benchmarks.courses import Course
from evolve.benchmarks.episodic import Episodic, Protocol
from evolve.benchmarks.locomo import Locomo
from evolve.benchmarks.splits import split_of
from evolve.environments.pool import Pool
from evolve.episode import Game
from evolve.episodes import Episodes
from evolve.errors import Unplayable
from evolve.evaluation import Evaluation, TaskResult

SEEDS = bundled_designs()
BETTER, WORSE = SEEDS["lexical"], SEEDS["no_memory"]


def evaluated(archive, design, benchmark, split, score, eliminated=""):
    """Put a design into the archive that scored so."""
    archive.add(design, "made", "", [], 1.0)
    results = [TaskResult("t", "c", {"recall@10": score}, 1, 1.0)]
    archive.judge(
        design.id,
        benchmark,
        split,
        Evaluation(design.id, design.name, benchmark, split, "recall@10", results, eliminated=eliminated),
    )


async def test_the_gate_passes_a_better_design_and_counts_its_opening(archive, locomo_file, laboratory):
    gate = gate_of(archive, Locomo(locomo_file), laboratory)
    archive.add(BETTER, "seed", "words suffice", [], 1.0)
    dossier = await gate.open(BETTER, WORSE, "test")
    assert dossier.verdict == "passed", dossier.objections
    assert (dossier.tasks, dossier.wins, dossier.opening, dossier.hypothesis) == (12, 12, 1, "words suffice")
    assert dossier.controls["empty"] == 0.0
    again = await gate.open(BETTER, WORSE, "test")
    assert again.opening == 2
    assert again.alpha < dossier.alpha


async def test_the_gate_refuses_what_is_no_better(archive, locomo_file, laboratory):
    dossier = await gate_of(archive, Locomo(locomo_file), laboratory).open(WORSE, BETTER, "test")
    assert dossier.verdict == "failed"
    assert any("below the minimum" in each for each in dossier.objections)
    assert any("may be chance" in each for each in dossier.objections)


async def test_the_gate_calls_out_knowledge_that_needs_no_memory(archive, laboratory):
    benchmark = Made()
    dossier = await gate_of(archive, benchmark, laboratory).open(knowing(*benchmark.ids[:20]), WORSE, "test")
    assert dossier.verdict == "failed"
    assert any("empty memory" in each for each in dossier.objections)


async def test_no_design_is_measured_against_itself(archive, laboratory):
    with pytest.raises(EvolveError, match="champion already"):
        await gate_of(archive, Made(), laboratory).open(WORSE, WORSE, "test")


async def test_the_challenger_is_the_best_on_validation_of_the_three_best_on_search(archive, locomo_file, laboratory):
    scores = {"lexical": 0.5, "grep": 0.6, "trajectory_retrieval": 0.7, "hybrid": 0.4}
    for name, score in scores.items():
        evaluated(archive, SEEDS[name], "locomo", "search", score)
    evaluated(archive, SEEDS["lexical"], "locomo", "validation", 0.9)
    evaluated(archive, SEEDS["grep"], "locomo", "validation", 0.8)
    evaluated(archive, SEEDS["hybrid"], "locomo", "validation", 1.0)
    chosen = await gate_of(archive, Locomo(locomo_file), laboratory).choose(WORSE)
    assert chosen.name == "lexical"
    written = archive.openings.pending("locomo")
    assert (written.challenger, written.champion, written.opening) == (chosen.id, WORSE.id, 0)
    assert {each.name for each in written.finalists} == {"lexical", "grep", "trajectory_retrieval"}
    assert {each.score for each in written.finalists} >= {0.9, 0.8}


async def test_what_a_search_has_eliminated_is_no_finalist(archive, locomo_file, laboratory):
    evaluated(archive, SEEDS["lexical"], "locomo", "search", 0.9, eliminated="proxy")
    evaluated(archive, SEEDS["grep"], "locomo", "search", 0.1)
    chosen = await gate_of(archive, Locomo(locomo_file), laboratory).choose(WORSE)
    assert chosen.name == "grep"


async def test_an_empty_archive_has_nothing_to_promote(archive, locomo_file, laboratory):
    with pytest.raises(EvolveError, match="alma-evolve run"):
        await gate_of(archive, Locomo(locomo_file), laboratory).choose(WORSE)


async def test_who_is_written_down_stays_the_challenger_whatever_is_found_later(archive, locomo_file, laboratory):
    gate = gate_of(archive, Locomo(locomo_file), laboratory)
    evaluated(archive, SEEDS["grep"], "locomo", "search", 0.5)
    evaluated(archive, SEEDS["grep"], "locomo", "validation", 0.5)
    first = await gate.choose(WORSE)
    evaluated(archive, SEEDS["lexical"], "locomo", "search", 0.9)
    evaluated(archive, SEEDS["lexical"], "locomo", "validation", 0.9)
    assert await gate.choose(WORSE) == first
    dossier = await gate.open(first, WORSE, "test")
    assert [each.name for each in dossier.finalists] == ["grep"]
    assert (await gate.choose(WORSE)).name == "lexical"


async def test_the_gate_does_not_go_on_with_another_pair_than_was_written_down(archive, locomo_file, laboratory):
    gate = gate_of(archive, Locomo(locomo_file), laboratory)
    evaluated(archive, SEEDS["grep"], "locomo", "search", 0.5)
    await gate.choose(WORSE)
    with pytest.raises(EvolveError, match=r"grep .* is written down"):
        await gate.open(BETTER, WORSE, "test")
    assert gate.give_up() == SEEDS["grep"].id
    assert (await gate.open(BETTER, WORSE, "test")).opening == 1


async def test_a_challenge_to_a_champion_of_before_is_given_up(archive, locomo_file, laboratory):
    gate = gate_of(archive, Locomo(locomo_file), laboratory)
    evaluated(archive, SEEDS["grep"], "locomo", "search", 0.5)
    await gate.choose(WORSE)
    await gate.choose(BETTER)
    assert archive.openings.pending("locomo").champion == BETTER.id


def test_there_is_nothing_to_give_up_before_anything_is_written_down(archive, laboratory):
    with pytest.raises(EvolveError, match="nothing to give up"):
        gate_of(archive, Made(), laboratory).give_up()


async def test_a_design_that_breaks_down_before_its_first_task_is_the_challenger_no_more(archive, laboratory):
    source = BETTER.source.replace("async def update(", "async def broken(") + "\nraise SystemError\n"
    with pytest.raises(EvolveError, match="not fit"):
        await gate_of(archive, Made(), laboratory).open(Design(source, "broken"), WORSE, "test")
    assert archive.openings.pending("made") is None
    assert (await gate_of(archive, Made(), laboratory).open(BETTER, WORSE, "test")).opening == 1


async def test_a_champion_that_cannot_take_in_the_experiences_ends_the_opening(archive, laboratory):
    source = (
        "from alma_mcp.contract import Memory, Retrieval\n"
        "class Sick(Memory):\n"
        "    async def update(self, experience):\n        raise ValueError('sick')\n"
        "    async def retrieve(self, query):\n        return Retrieval()\n"
    )
    gate = gate_of(archive, Made(), laboratory)
    with pytest.raises(Unplayable, match="sick was rejected"):
        await gate.open(BETTER, Design(source, "sick"), "test")
    assert archive.openings.pending("made") is None


async def test_a_challenger_that_loses_is_stopped_after_a_third(archive, laboratory):
    benchmark = Made(tasks=30)
    champion = knowing(*benchmark.ids[:10], name="champion")
    dossier = await gate_of(archive, benchmark, laboratory).open(WORSE, champion, "test")
    assert (dossier.tasks, dossier.planned, dossier.verdict) == (10, 30, "failed")
    assert "stopped for futility after 10 of 30 tasks" in dossier.objections


async def test_a_challenger_that_wins_is_never_stopped_early(archive, laboratory):
    benchmark = Made(tasks=30)
    dossier = await gate_of(archive, benchmark, laboratory).open(knowing(*benchmark.ids), WORSE, "test")
    assert (dossier.tasks, dossier.planned) == (30, 30)


async def test_a_memory_that_learns_is_played_whole(archive, laboratory):
    benchmark = Made(tasks=30, learning=True)
    dossier = await gate_of(archive, benchmark, laboratory).open(WORSE, knowing(*benchmark.ids), "test")
    assert dossier.tasks == 30
    assert not any("futility" in each for each in dossier.objections)


async def test_neither_side_gets_far_ahead_of_the_other(archive, laboratory):
    benchmark = Made(tasks=60, slow=lambda found: found == ["champion"])
    champion = Design(KNOWS.format(answers={each: ["champion"] for each in benchmark.ids}), "champion")
    await gate_of(archive, benchmark, laboratory).open(knowing(*benchmark.ids), champion, "test")
    begun, ahead = {"champion": set(), "challenger": set()}, 0
    for task, _, found in benchmark.played:
        if found:
            begun["champion" if found == ["champion"] else "challenger"].add(task)
        ahead = max(ahead, len(begun["challenger"]) - len(begun["champion"]))
    assert len(begun["challenger"]) == len(begun["champion"]) == 60
    assert 4 <= ahead <= 6


async def test_seeds_are_averaged_and_the_task_is_the_unit(archive, laboratory):
    benchmark = Made(tasks=12, seeds=3)
    dossier = await gate_of(archive, benchmark, laboratory).open(knowing(*benchmark.ids[:9]), WORSE, "test")
    assert (dossier.tasks, dossier.wins, dossier.ties, dossier.missing) == (12, 9, 3, 0)


async def test_what_the_machine_lost_for_one_side_is_left_out_for_both(archive, laboratory):
    lost = {("t01", 0), ("t02", 1), ("t03", 0), ("t03", 1)}
    benchmark = Made(tasks=30, seeds=2, lose=lambda task, seed: (task, seed) in lost)
    dossier = await gate_of(archive, benchmark, laboratory).open(knowing(*benchmark.ids), WORSE, "test")
    assert (dossier.tasks, dossier.planned, dossier.missing) == (29, 30, 4)
    assert dossier.wins == 29
    assert not any("missing" in each for each in dossier.objections)


async def test_the_gate_objects_when_more_than_a_fifth_is_missing(archive, laboratory):
    benchmark = Made(tasks=30, lose=lambda task, _: int(task[1:]) % 4 == 0)
    dossier = await gate_of(archive, benchmark, laboratory).open(knowing(*benchmark.ids), WORSE, "test")
    assert any("too much is missing: 8 of 30" in each for each in dossier.objections)


async def test_a_gain_that_gives_up_one_kind_of_tasks_is_no_gain(archive, laboratory):
    benchmark = Made(tasks=48, kinds=("easy", "easy", "easy", "hard"))
    easy = [each for number, each in enumerate(benchmark.ids) if number % 4 != 3]
    hard = [each for number, each in enumerate(benchmark.ids) if number % 4 == 3]
    champion = knowing(*hard, name="champion")
    dossier = await gate_of(archive, benchmark, laboratory).open(knowing(*easy), champion, "test")
    assert dossier.difference.mean == 0.5
    assert any("worse by 1.000 on the 12 tasks of hard" in each for each in dossier.objections)
    assert not any("of easy" in each for each in dossier.objections)


async def test_the_dossier_says_what_it_cost_and_what_it_could_have_found(archive, laboratory):
    benchmark = Made(tasks=30)
    dossier = await gate_of(archive, benchmark, laboratory).open(knowing(*benchmark.ids[:24]), WORSE, "test")
    assert dossier.cost.plays == 30 * 4
    assert dossier.cost.plays == dossier.cost.episodes == len(benchmark.played)
    assert dossier.cost.agent_tokens == 30 * 4 * 7
    assert 0.1 < dossier.detectable < 0.3


async def test_a_stream_is_played_in_parts_beside_what_is_most_popular(archive, laboratory, tmp_path):
    benchmark = CodingStream(write_coding_stream(tmp_path / "sessions.jsonl"))
    dossier = await gate_of(archive, benchmark, laboratory).open(BETTER, WORSE, "test")
    assert (dossier.tasks, dossier.planned) == (9, 9)
    assert "most_popular" in dossier.controls
    assert dossier.difference.mean > 0


class Wavering(DoorAgent):
    """It has a chance, so its games are played several times."""

    deterministic = False


async def test_games_are_played_with_three_seeds(archive, laboratory, tmp_path):
    games = [Game("babaisai", "doors", seed, "doors") for seed in range(100)]
    course = Course(games[:4], [game for game in games[10:] if split_of(game.id) == "gate"][:6])
    async with made_environments(tmp_path, 5) as starter:
        pool = Pool(starter.start, 2)
        protocol = Protocol("babaisai", collect_at_once=2, deploy_at_once=2)
        doors = Episodic(protocol, course, Wavering(), pool, Episodes(tmp_path / "episodes"), "image-1", "made")
        dossier = await gate_of(archive, doors, laboratory).open(BETTER, WORSE, "test")
        await pool.close()
    plays = 3 * dossier.tasks
    assert dossier.planned == 6
    assert dossier.cost.plays == plays * (2 + 3)
    assert plays <= dossier.cost.episodes <= 2 * plays


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
sys.path[:0] = {paths!r}
from alma_mcp.design_store import DesignStore
from alma_mcp.hosts.inprocess import InProcessHost
from evolve.archive import Archive
from evolve.evaluated_memory import Laboratory
from alma_mcp.design_store import bundled_designs
from evolve.gate import Gate
from made_gate import PATIENT, Made, knowing

WORSE = bundled_designs()["no_memory"]

class Counted(Made):
    async def play(self, scope, task, recall):
        with open({played!r}, "a") as file:
            file.write("x")
        if os.path.getsize({played!r}) == int(sys.argv[1]):
            os.kill(os.getpid(), signal.SIGKILL)
        return await super().play(scope, task, recall)

home = Path({home!r})
benchmark = Counted(tasks=12)
with Archive(home / "archive.db", DesignStore(home / "designs")) as archive:
    gate = Gate(archive, benchmark, Laboratory(InProcessHost(), None), PATIENT)
    dossier = asyncio.run(gate.open(knowing(*benchmark.ids[:9]), WORSE, "test"))
    print(dossier.model_dump_json())
"""


def test_a_gate_that_is_killed_goes_on_with_the_same_opening_and_plays_nothing_twice(tmp_path):
    played = tmp_path / "played"
    tests = Path(__file__).parent
    script = textwrap.dedent(KILLED).format(
        paths=[str(tests), str(tests.parent)], played=str(played), home=str(tmp_path / "home")
    )
    (tmp_path / "home").mkdir()

    def run(kill_at):
        return subprocess.run(
            [sys.executable, "-c", script, str(kill_at)], capture_output=True, text=True, timeout=120, check=False
        )

    for at in (5, 20, 41):
        assert run(at).returncode == -signal.SIGKILL
    done = run(0)
    assert done.returncode == 0, done.stderr
    dossier = json.loads(done.stdout)
    assert (dossier["opening"], dossier["tasks"], dossier["wins"]) == (1, 12, 9)
    kills, sides = 3, 2
    assert 12 * 4 + kills <= played.stat().st_size <= 12 * 4 + kills * sides
    assert json.loads(run(0).stdout)["opening"] == 2
