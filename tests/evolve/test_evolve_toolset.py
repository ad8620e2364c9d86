"""The coding assistant in front of the user as the meta-agent, over MCP and without."""

import contextlib
import json
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from alma_mcp.design_store import bundled_designs
from alma_mcp.errors import EvolveError
from evolve.archive import Archive
from evolve.benchmarks.locomo import Locomo
from evolve.config import SearchSettings
from evolve.evaluation import Evaluation, Rejection
from evolve.meta.assistant import Workbench, read_submission, take_submission, write_brief
from evolve.meta.brief import Proposal
from evolve.meta.toolset import build_server

ALMA_EVOLVE = Path(sys.executable).parent / "alma-evolve"
SETTINGS = SearchSettings(benchmark="locomo", seeds=["no_memory", "trajectory_retrieval"], embedder="none")
LEXICAL = bundled_designs()["lexical"].source
GOOD = f"Hypothesis: words suffice.\nRefuted by: no gain.\n\n```python\n{LEXICAL}```\n"
BAD = "Hypothesis: it answers at once.\n\n```python\nimport requests\n```\n"


@pytest.fixture
def bench(archive, locomo_file, laboratory):
    return Workbench(SETTINGS, archive, Locomo(locomo_file), laboratory, lambda: 1.0)


@pytest.fixture
def server(bench):
    @contextlib.asynccontextmanager
    async def workbench():
        yield bench

    return build_server(workbench, lambda: contextlib.nullcontext(bench.archive), lambda: 7)


async def said(client, tool, **arguments):
    result = await client.call_tool(tool, arguments)
    return result.is_error, "\n".join(part.text for part in result.content)


@pytest.mark.parametrize("era", ["legacy", "auto"])
async def test_the_tools_are_a_brief_a_submission_and_a_status_and_refuse_what_they_do_not_take(server, era):
    async with Client(server, mode=era) as client:
        tools = (await client.list_tools()).tools
        assert [tool.name for tool in tools] == ["evolve_brief", "evolve_submit", "evolve_status"]
        assert all(tool.input_schema["additionalProperties"] is False for tool in tools)
        assert len(json.dumps([tool.model_dump(mode="json", exclude_none=True) for tool in tools])) / 4 < 700
        failed, text = await said(client, "evolve_submit", answer=GOOD, promote=True)
        assert failed
        assert "takes no `promote`" in text


@pytest.mark.parametrize("era", ["legacy", "auto"])
async def test_an_assistant_writes_a_better_design_over_mcp(server, bench, era):
    async with Client(server, mode=era) as client:
        failed, text = await said(client, "evolve_brief", parent="trajectory_retrieval")
        assert not failed
        assert "class RankedMemory" in text
        assert "Hypothesis:" in text
        parents = json.loads(re.search(r"its `parents` are (\[.*\])\.$", text)[1].replace("'", '"'))
        assert bench.archive.entry(parents[0]).name == "trajectory_retrieval"
        failed, text = await said(client, "evolve_submit", answer=GOOD, parents=parents[:1])
        assert not failed
        assert "recall" in text
        entry = bench.archive.entry(text.split(":")[0])
        assert (entry.proposer, entry.hypothesis) == ("assistant", "words suffice.")
        assert [bench.archive.entry(each).name for each in entry.parents] == ["trajectory_retrieval"]
        assert [lesson.line for lesson in bench.archive.lessons(entry.id)] == ["words suffice."]
        failed, text = await said(client, "evolve_status")
        assert text.splitlines()[2].startswith(f"- {entry.id[:12]} {entry.name}: ")


async def test_a_brief_without_a_parent_chooses_one_by_its_seed(bench):
    first, again = [(await write_brief(bench, 7)).parents for _ in range(2)]
    assert first == again
    assert len(first) == 2


async def test_a_client_that_asks_is_told_how_far_it_is(server):
    told = []

    async def heard(progress, total, message):
        told.append((progress, total))

    async with Client(server) as client:
        await client.call_tool("evolve_submit", {"answer": GOOD}, progress_callback=heard)
        await client.call_tool("evolve_brief", {}, progress_callback=heard)
    submitted = told[: next(n for n, (done, total) in enumerate(told) if done == total) + 1]
    assert len(submitted) == 12
    for numbers in (submitted, told[len(submitted) :]):
        assert [done for done, _ in numbers] == sorted({done for done, _ in numbers})


@pytest.mark.parametrize(
    ("answer", "stage"),
    [
        (BAD, "rejected at static: It imports requests"),
        (GOOD.replace("return [key for", "raise KeyError('x')\n        return [key for"), "rejected at smoke"),
        (GOOD.replace("WORDS = 24", "WORDS = 12"), ""),
    ],
)
async def test_a_bad_design_is_a_verdict_in_words_and_is_kept(server, bench, answer, stage):
    async with Client(server) as client:
        failed, text = await said(client, "evolve_submit", answer=answer)
    assert not failed
    assert stage in text
    assert bench.archive.verdict(bench.archive.entry(text.split(":")[0]).id, "locomo", "search")


async def test_constants_alone_are_nothing_new_unless_a_person_wants_them_measured(bench):
    await take_submission(bench, read_submission(GOOD))
    tuned = Proposal(LEXICAL.replace("WORDS = 24", "WORDS = 12"), "fewer words do as well")
    taken = await take_submission(bench, tuned)
    assert isinstance(taken.verdict, Rejection)
    assert taken.verdict.stage == "novelty"
    other = Proposal(LEXICAL.replace("WORDS = 24", "WORDS = 6"), "very few words do as well")
    assert isinstance((await take_submission(bench, other, strict=False)).verdict, Evaluation)


@pytest.mark.parametrize(
    ("tool", "arguments", "sentence"),
    [
        ("evolve_submit", {"answer": "no code"}, "The answer has no closed ```python block."),
        ("evolve_submit", {"answer": f"```python\n{LEXICAL}```"}, "no line that begins with `Hypothesis:`"),
        ("evolve_submit", {"answer": GOOD, "parents": ["nobody"]}, "has no single design 'nobody'"),
        ("evolve_brief", {"parent": "nobody"}, "has no single design 'nobody'"),
    ],
)
async def test_what_cannot_be_done_is_a_tool_error_of_one_sentence(server, tool, arguments, sentence):
    async with Client(server) as client:
        failed, text = await said(client, tool, **arguments)
    assert failed
    assert sentence in text
    assert "Traceback" not in text


async def test_a_parent_without_a_score_is_refused_in_a_sentence(bench):
    rejected = await take_submission(bench, read_submission(BAD))
    with pytest.raises(EvolveError, match="has no score on locomo"):
        await write_brief(bench, 1, rejected.design.short)


async def test_what_was_judged_is_not_judged_again_and_what_was_played_is_not_played_again(bench):
    first = await take_submission(bench, read_submission(GOOD))
    played = []
    again = await take_submission(bench, read_submission(GOOD), progress=lambda done, total: played.append(done))
    assert again.verdict.scores == first.verdict.scores
    assert played == []
    bench.archive._database.execute("DELETE FROM verdicts")
    resumed = await take_submission(bench, read_submission(GOOD))
    assert resumed.verdict.results == first.verdict.results


async def test_a_status_of_an_empty_archive_says_what_to_do(server):
    async with Client(server) as client:
        assert "alma-evolve run" in (await said(client, "evolve_status"))[1]


async def test_no_tool_of_the_evolve_toolset_promotes_or_opens_the_gate(server, bench, tmp_path):
    async with Client(server) as client:
        await said(client, "evolve_brief")
        await said(client, "evolve_submit", answer=GOOD)
        await said(client, "evolve_status")
    with contextlib.closing(sqlite3.connect(tmp_path / "archive.db")) as raw:
        assert raw.execute("SELECT count(*) FROM openings").fetchone() == (0,)
        assert raw.execute("SELECT DISTINCT split FROM results").fetchall() == [("search",)]
    assert {path.name.partition("-")[0] for path in tmp_path.iterdir()} <= {"archive.db", "designs", "locomo.json"}


REACHED = """
import sys
import evolve.meta.toolset
print([name for name in sys.modules if name in %r])
"""
PROMOTES = (
    "alma_mcp.control",
    "alma_mcp.ledger.champion_ledger",
    "alma_mcp.review.terminal_page",
    "evolve.gate",
    "evolve.commands.promote",
)


def test_the_evolve_toolset_does_not_even_know_what_promotes():
    done = subprocess.run([sys.executable, "-c", REACHED % (PROMOTES,)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def configuration(tmp_path, data):
    file = tmp_path / "search.toml"
    file.write_text(f'benchmark = "locomo"\ndata = "{data}"\nseeds = ["no_memory"]\nembedder = "none"\n')
    return file


def toolset(tmp_path, file):
    arguments = ["--home", str(tmp_path / "home"), "mcp", "--config", str(file)]
    return StdioServerParameters(command=str(ALMA_EVOLVE), args=arguments)


async def test_an_assistant_starts_the_toolset_itself_and_is_told_what_a_design_scores(tmp_path, locomo_file):
    async with Client(toolset(tmp_path, configuration(tmp_path, locomo_file)), read_timeout_seconds=120) as client:
        failed, text = await said(client, "evolve_submit", answer=GOOD)
        assert not failed, text
        design = text.split(":")[0]
        assert design in (await said(client, "evolve_status"))[1]
        failed, text = await said(client, "evolve_brief", parent=design)
        assert not failed, text
        assert "When did Ada begin with the" in text
    with Archive(tmp_path / "home" / "archive.db", None) as archive:
        assert [entry.proposer for entry in archive.entries()] == ["assistant", "seed"]


async def test_data_that_is_not_there_is_told_to_the_assistant_that_asks(tmp_path):
    async with Client(toolset(tmp_path, configuration(tmp_path, tmp_path / "none.json"))) as client:
        failed, text = await said(client, "evolve_brief")
    assert failed
    assert "none.json" in text
    assert "Traceback" not in text


def test_a_configuration_that_is_not_there_is_one_sentence(tmp_path):
    command = [ALMA_EVOLVE, "mcp", "--config", str(tmp_path / "none.toml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 1
    assert done.stderr.startswith("alma-evolve: There is no file")
