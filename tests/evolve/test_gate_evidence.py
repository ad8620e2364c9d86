from dataclasses import replace

import pytest
from made_gate import PATIENT, Made, gate_of, knowing

from alma_mcp.design_store import Design, bundled_designs
from alma_mcp.evidence.dossier import Dossier
from alma_mcp.toolkit import Completion
from evolve.benchmarks.locomo import Locomo
from evolve.evaluate import evaluate
from evolve.evaluation import Evaluation, TaskResult
from evolve.gate import Gate

SEEDS = bundled_designs()
BETTER, WORSE = SEEDS["lexical"], SEEDS["no_memory"]


async def test_every_task_has_a_row_with_both_scores_and_what_came_of_it(archive, laboratory):
    benchmark = Made(tasks=30, seeds=2, kinds=("easy", "hard"))
    champion = knowing("t00", "t01", name="champion")
    dossier = await gate_of(archive, benchmark, laboratory).open(knowing(*benchmark.ids[1:20]), champion, "test")
    rows = {each.task: each for each in dossier.results}
    assert list(rows) == benchmark.ids
    assert {rows["t00"].outcome, rows["t01"].outcome, rows["t02"].outcome} == {"loss", "tie", "win"}
    assert (rows["t00"].challenger, rows["t00"].champion, rows["t00"].plays) == (0.0, 1.0, 2)
    assert (rows["t00"].kind, rows["t01"].kind) == ("easy", "hard")
    outcomes = [each.outcome for each in dossier.results]
    assert (outcomes.count("win"), outcomes.count("tie"), outcomes.count("loss")) == (
        dossier.wins,
        dossier.ties,
        dossier.losses,
    )


async def test_every_kind_of_tasks_has_a_row_with_the_interval_of_the_difference(archive, laboratory):
    benchmark = Made(tasks=40, kinds=("easy", "hard"))
    dossier = await gate_of(archive, benchmark, laboratory).open(knowing(*benchmark.ids[:20:2]), WORSE, "test")
    easy, hard = dossier.domains
    assert (easy.kind, easy.split, easy.seen, easy.tasks) == ("easy", "gate", False, 20)
    assert (easy.challenger, easy.champion, easy.difference.mean) == (0.5, 0.0, 0.5)
    assert easy.difference.low < 0.5 < easy.difference.high
    assert (hard.kind, hard.difference.mean) == ("hard", 0.0)
    assert easy.controls["no_memory"] == 0.0
    assert easy.controls["empty"] == 0.5, "the design knows its tasks without a memory"
    assert easy.champion_controls == {}


async def test_tasks_of_no_kind_have_one_row_together(archive, laboratory):
    benchmark = Made(tasks=12)
    dossier = await gate_of(archive, benchmark, laboratory).open(knowing(*benchmark.ids), WORSE, "test")
    assert [(each.kind, each.tasks, each.challenger) for each in dossier.domains] == [("", 12, 1.0)]


def known(archive, design, benchmark, split, scores):
    results = [TaskResult(task, task, {"found": score}, 1, 1.0) for task, score in scores.items()]
    archive.add(design, "made", "", [], 1.0)
    archive.judge(design.id, benchmark, split, Evaluation(design.id, design.name, benchmark, split, "found", results))


async def test_what_both_had_played_before_stands_beside_it_with_its_split(archive, laboratory):
    benchmark = Made(tasks=12)
    new = knowing(*benchmark.ids)
    for split in ("search", "validation", "gate", "gate#7", "all"):
        known(archive, new, "other", split, {"x": 0.25, "y": 0.75, "z": 1.0})
        known(archive, WORSE, "other", split, {"x": 1.0, "y": 1.0})
    known(archive, new, "alone", "search", {"x": 1.0})
    dossier = await gate_of(archive, benchmark, laboratory).open(new, WORSE, "test")
    others = [(each.benchmark, each.split, each.seen, each.tasks, each.difference.mean) for each in dossier.domains[1:]]
    assert others == [("other", "search", True, 2, -0.5), ("other", "validation", False, 2, -0.5)]


async def test_the_dossier_says_where_the_plays_of_a_task_are(archive, laboratory):
    benchmark = Made(tasks=6)
    await gate_of(archive, Made(tasks=3), laboratory).open(BETTER, WORSE, "test")
    dossier = await gate_of(archive, benchmark, laboratory).open(knowing(*benchmark.ids), WORSE, "test")
    opened = [each for each in archive.openings.history() if each.id == dossier.opening_id]
    assert [each.number for each in opened] == [dossier.opening] == [2]
    assert dossier.plays("conv-1/a b#?") == f"/evolution/plays/{dossier.opening_id}/conv-1/a%20b%23%3F"


async def test_a_dossier_without_its_opening_links_to_no_plays(archive, laboratory):
    dossier = await gate_of(archive, Made(tasks=3), laboratory).open(BETTER, WORSE, "test")
    fields = {name: value for name, value in dossier.model_dump().items() if name != "opening_id"}
    assert Dossier.model_validate(fields).plays("t00") == ""


async def test_the_ancestors_are_named_with_their_scores_the_nearest_first(archive, laboratory):
    benchmark = Made(tasks=6)
    new, parent, grandparent = knowing(*benchmark.ids), knowing("t00", name="parent"), knowing("t01", name="grand")
    for design, parents in ((grandparent, []), (parent, [grandparent.id, "gone"]), (new, [parent.id, WORSE.id])):
        archive.add(design, "made", "", parents, 1.0)
    known(archive, grandparent, "made", "search", {"x": 0.0, "y": 0.5})
    dossier = await gate_of(archive, benchmark, laboratory).open(new, WORSE, "test")
    told = [(each.name, each.back, each.score) for each in dossier.ancestry]
    assert told == [("parent", 1, None), ("grand", 2, 0.25)]
    assert dossier.lineage == ("parent",)


async def test_both_sides_say_what_they_keep_and_what_a_task_of_theirs_costs(archive, locomo_file, laboratory):
    dossier = await gate_of(archive, Locomo(locomo_file), laboratory).open(BETTER, WORSE, "test")
    assert dossier.challenger.state_bytes > 1000
    assert dossier.challenger.memory_bytes is None, "this host cannot tell one worker's memory from its own"
    assert (dossier.challenger.cost.calls, dossier.challenger.cost.dollars) == (0.0, 0.0)
    games = await gate_of(archive, Made(tasks=6), laboratory).open(BETTER, WORSE, "test")
    assert games.champion.cost.agent_tokens == 7.0


async def test_the_agent_is_named_where_one_played(archive, locomo_file, laboratory):
    recall = replace(gate_of(archive, Locomo(locomo_file), laboratory), agent="some-model/low")
    assert (await recall.open(BETTER, WORSE, "test")).agent == ""
    games = replace(gate_of(archive, Made(tasks=6), laboratory), agent="some-model/low")
    assert (await games.open(BETTER, WORSE, "test")).agent == "some-model/low"


ASKS = """
from alma_mcp.contract import Memory, Retrieval


class Asks(Memory):
    async def retrieve(self, query):
        await self.toolkit.complete(query.text)
        return Retrieval()
"""


class Answering:
    """A model that says yes, for eight tokens."""

    async def complete(self, prompt, schema):
        return Completion("yes", 5, 3)


async def test_what_a_design_asks_of_a_model_is_told_a_task_with_its_price(archive, laboratory):
    asking = Design(ASKS, "asks")
    answered = replace(laboratory, completer=Answering(), calls=1000)
    gate = Gate(archive, Made(tasks=6), answered, PATIENT, priced=lambda read, wrote: read * 0.1 + wrote * 1.0)
    dossier = await gate.open(asking, BETTER, "test")
    cost = dossier.challenger.cost
    assert dossier.champion.cost.dollars == 0.0
    assert (cost.calls, cost.tokens) == (1.0, 8.0)
    assert cost.dollars == pytest.approx(3.5)
    unpriced = await Gate(archive, Made(tasks=6), answered, PATIENT).open(Design(ASKS + "#", "again"), BETTER, "test")
    assert unpriced.challenger.cost.dollars is None


async def test_an_evaluation_says_what_the_filled_memory_took(locomo_file, laboratory):
    found = await evaluate(BETTER, Locomo(locomo_file), "search", laboratory)
    assert found.summary()["state_bytes"] == found.state_bytes > 1000
