import json
import sys

import pytest
from endpoint import Endpoint, completion

from alma_mcp.design_store import bundled_designs
from alma_mcp.errors import BudgetSpent, EvolveError
from alma_mcp.toolkit import OpenAICompleter
from evolve.budget import Budget
from evolve.errors import ProposalFailed
from evolve.evaluation import Evaluation, Rejection, TaskResult
from evolve.propose import Brief, Parent, Proposal, read_answer, write_prompt
from evolve.proposers.command import Command
from evolve.proposers.openai import OpenAI

SOURCE = "from alma_mcp.contract import Memory\n\n\nclass New(Memory):\n    pass\n"
ANSWER = f"Hypothesis: less is more.\n\n```python\n{SOURCE}```\n"
PARENT = bundled_designs()["lexical"]


@pytest.fixture
def brief():
    results = [TaskResult("secret-task-id", "c", {"recall@10": 0.5}, 3, 1.0)]
    evaluation = Evaluation(PARENT.id, "lexical", "locomo", "search", "recall@10", results)
    return Brief([Parent(PARENT, evaluation)], [PARENT], "locomo", [Rejection("d", "smoke", "KeyError: 'x'")], 1)


def test_the_prompt_holds_the_contract_the_parent_and_what_failed(brief):
    prompt = write_prompt(brief)
    assert "class RankedMemory" in prompt
    assert PARENT.source in prompt
    assert "KeyError: 'x'" in prompt
    assert "recall@10: 0.500" in prompt
    assert "secret-task-id" not in prompt


def test_an_answer_is_one_block_and_one_hypothesis():
    assert read_answer(ANSWER) == Proposal(SOURCE, "less is more.")
    for bad in ("no code", ANSWER + ANSWER, f"```python\n{SOURCE}```"):
        assert isinstance(read_answer(bad), Rejection)


async def test_a_program_reads_the_prompt_and_writes_the_answer(brief, tmp_path):
    script = tmp_path / "agent.py"
    script.write_text(f"import sys\nassert 'RankedMemory' in sys.stdin.read()\nprint({ANSWER!r})\n")
    proposal = await Command(f"{sys.executable} {script}", 30).propose(brief)
    assert proposal == Proposal(SOURCE, "less is more.")


async def test_a_program_is_given_its_bad_answer_back(brief, tmp_path):
    script = tmp_path / "agent.py"
    script.write_text(f"import sys\nprompt = sys.stdin.read()\nprint({ANSWER!r} if 'rejected' in prompt else 'hm')\n")
    assert (await Command(f"{sys.executable} {script}", 30).propose(brief)).source == SOURCE


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("import sys; sys.exit('no subscription')", "ended with code 1: no subscription"),
        ("print('never any code')", "no usable design in 3 answers"),
        ("import time; time.sleep(60)", "took more than 1 seconds"),
    ],
)
async def test_a_program_that_fails_is_told_in_a_sentence(brief, tmp_path, code, sentence):
    script = tmp_path / "agent.py"
    script.write_text(code)
    with pytest.raises(ProposalFailed, match=sentence):
        await Command(f"{sys.executable} {script}", 1 if "sleep" in code else 30).propose(brief)


async def test_a_program_that_is_not_there_is_told_in_a_sentence(brief):
    with pytest.raises(EvolveError, match="Cannot start"):
        await Command("/nowhere/agent", 1).propose(brief)


@pytest.fixture
def endpoint():
    """An endpoint that gives its `answers` in turn, the last of them again and again."""

    def reply(_):
        return 200, completion(made.answers[min(len(made.requests), len(made.answers)) - 1])

    made = Endpoint(reply)
    made.answers = []
    yield made
    made.close()


async def test_an_endpoint_is_asked_repaired_and_counted(brief, endpoint):
    endpoint.answers += ["I would rather not.", ANSWER]
    proposer = OpenAI(OpenAICompleter("made/low", endpoint.url, "dummy"), Budget(10, 1000))
    proposal = await proposer.propose(brief)
    assert (proposal.source, proposal.tokens) == (SOURCE, 22)
    assert "I would rather not." in json.dumps(endpoint.requests[1])


async def test_an_endpoint_is_not_asked_beyond_the_budget(brief, endpoint):
    endpoint.answers += ["no"]
    with pytest.raises(BudgetSpent):
        await OpenAI(OpenAICompleter("made", endpoint.url, "dummy"), Budget(2, 10_000)).propose(brief)
    assert len(endpoint.requests) == 2


async def test_an_endpoint_that_is_not_there_is_a_failed_proposal(brief):
    with pytest.raises(ProposalFailed):
        await OpenAI(OpenAICompleter("made", "http://127.0.0.1:9/v1", "dummy", pause=0), Budget(9, 9999)).propose(brief)
