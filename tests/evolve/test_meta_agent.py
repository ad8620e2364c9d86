import asyncio
import hashlib
import json
from dataclasses import dataclass, field

import pytest

from alma_mcp.design_store import Design, bundled_designs
from alma_mcp.errors import BudgetSpent
from evolve.archive import Lesson
from evolve.errors import ProposalFailed
from evolve.evaluation import Evaluation, Rejection, TaskResult
from evolve.meta.agent import MetaAgent
from evolve.meta.brief import Answer, Brief, Parent
from evolve.meta.novelty import why_not_new
from evolve.meta.schemas import Idea, Reflection, schema_of
from evolve.verify import verify

SEEDS = bundled_designs()
REFLECTION = {
    "observations": ["Old memories come first."],
    "weaknesses": ["rank_lexical knows no time."],
    "lessons": ["Newer is truer."],
}
IDEA = {
    "mechanism": "Recent memories are ranked first.",
    "why": "What was said last is true.",
    "refuted_by": "Questions about times score less.",
    "borrows_from_second": False,
    "steps": ["Store the time.", "Rank by it."],
}
TOLD = [json.dumps(REFLECTION), json.dumps(IDEA)]
GOOD = """from alma_mcp.contract import RankedMemory


class Newest(RankedMemory):
    name = "newest"
    idea = "What was said last comes first."
    weights = {"newest": 1.0}

    async def rank_newest(self, query, found):
        sql = "SELECT key FROM experiences ORDER BY time DESC, key DESC LIMIT ?"
        return [key for (key,) in self.toolkit.db.execute(sql, (self.depth,))]
"""
BROKEN = GOOD.replace("ORDER BY time", "ORDER BY moment")
STRANGE = f"import requests\n{GOOD}"


def fenced(source):
    return f"Here it is.\n\n```python\n{source}```\n"


@dataclass
class Scripted:
    """A writer that gives its answers in turn; an exception is raised instead."""

    answers: list
    who: str = "scripted"
    tokens: int = 1000
    prompts: list = field(default_factory=list)
    schemas: list = field(default_factory=list)

    async def write(self, prompt, schema):
        self.prompts.append(prompt)
        self.schemas.append(schema)
        answer = self.answers[len(self.prompts) - 1]
        if isinstance(answer, BaseException):
            raise answer
        return Answer(answer, self.who, len(prompt) // 4, len(answer) // 4)


@dataclass
class Recording:
    """A desk that keeps answers by the names of their questions, and really tries drafts out."""

    laboratory: object
    others: list
    answers: dict = field(default_factory=dict)
    most: dict = field(default_factory=dict)

    async def ask(self, question, who, tokens, asking):
        self.most[question] = tokens
        if question not in self.answers:
            self.answers[question] = await asking()
        return self.answers[question]

    async def try_out(self, source):
        return why_not_new(source, self.others) or await verify(Design(source), self.laboratory)


@pytest.fixture
def desk(laboratory):
    return Recording(laboratory, list(SEEDS.values()))


@pytest.fixture
def brief():
    return made_brief("lexical")


def made_brief(*names):
    results = [TaskResult(f"t{n}", "c", {"recall@10": n / 10, "recall@10 temporal": 0.1}, 3, 1.0) for n in range(10)]
    parents = [
        Parent(
            SEEDS[name],
            Evaluation(SEEDS[name].id, name, "locomo", "search", "recall@10", results),
            f"The idea of {name}.",
            [Lesson("Order matters.", 2, 1)],
            ["Asked: when did the kayak sink?"],
        )
        for name in names
    ]
    return Brief(parents, list(SEEDS.values()), "locomo", [Rejection("d", "smoke", "KeyError: 'x'")], 1)


async def proposed(brief, desk, *answers):
    writer = Scripted([*TOLD, *answers])
    return writer, await MetaAgent("openai", lambda _: writer).propose(brief, desk)


async def test_a_design_comes_of_three_questions(brief, desk):
    writer, proposal = await proposed(brief, desk, fenced(GOOD))
    assert list(desk.answers) == ["reflect", "ideate", "write/1"]
    assert proposal.source == GOOD
    assert proposal.hypothesis == "Recent memories are ranked first. What was said last is true."
    assert proposal.refuted_by == IDEA["refuted_by"]
    assert proposal.plan == "Store the time.\nRank by it."
    assert (proposal.who, proposal.rejection) == ("scripted", {})
    assert writer.schemas == [schema_of(Reflection), schema_of(Idea), None]


async def test_each_prompt_is_told_what_it_needs(brief, desk):
    writer, _ = await proposed(brief, desk, fenced(GOOD))
    reflect, ideate, write = writer.prompts
    code = SEEDS["lexical"].source.strip()
    for prompt in (reflect, ideate, write):
        assert code in prompt
        assert "recall@10 temporal: 0.100" in prompt
        assert "Two people talk over months." in prompt
    for prompt in (reflect, ideate):
        assert "Asked: when did the kayak sink?" in prompt
        assert "Order matters. (held 2, failed 1)" in prompt
        assert "smoke: KeyError: 'x'" in prompt
    assert "Weakness: rank_lexical knows no time." in ideate
    assert "class RankedMemory" in write
    assert "- Rank by it." in write
    for question, prompt in zip(("reflect", "ideate", "write/1"), writer.prompts, strict=True):
        assert desk.most[question] >= 1000 + len(prompt) // 4


@pytest.mark.parametrize("borrows", [True, False])
async def test_the_second_parent_is_shown_to_who_borrows_from_it_and_only_then_a_parent(desk, borrows):
    writer = Scripted([TOLD[0], json.dumps({**IDEA, "borrows_from_second": borrows}), fenced(GOOD)])
    proposal = await MetaAgent("openai", lambda _: writer).propose(made_brief("lexical", "grep"), desk)
    borrowed = SEEDS["grep"].source.strip()
    assert borrowed in writer.prompts[1]
    assert (borrowed in writer.prompts[2]) is borrows
    assert len(proposal.parents) == (2 if borrows else 1)


@pytest.mark.parametrize(
    "bad", ["I would rather not.", json.dumps({**REFLECTION, "more": 1}), '{"observations": ["o"]}']
)
async def test_an_answer_of_another_form_is_given_back_once(brief, desk, bad):
    writer = Scripted([bad, f"```json\n{TOLD[0]}\n```", TOLD[1], fenced(GOOD)])
    proposal = await MetaAgent("openai", lambda _: writer).propose(brief, desk)
    assert proposal.source == GOOD
    assert list(desk.answers) == ["reflect", "reflect/again", "ideate", "write/1"]
    assert bad in writer.prompts[1]


async def test_a_second_answer_of_another_form_ends_it_in_a_sentence(brief, desk):
    writer = Scripted([TOLD[0], "{}", '{"mechanism": ""}'])
    with pytest.raises(ProposalFailed, match="scripted twice gave no usable answer to 'ideate': mechanism"):
        await MetaAgent("openai", lambda _: writer).propose(brief, desk)
    assert "Field required" in writer.prompts[2]


@pytest.mark.parametrize(
    ("draft", "reason"),
    [
        (fenced(BROKEN), "no such column: moment"),
        (fenced(STRANGE), "It imports requests"),
        (fenced("class Newest(RankedMemory:\n"), "The file is not Python"),
        (fenced(SEEDS["grep"].source), "It is the design grep again"),
        ("I think that it cannot be done.", "The answer has no closed"),
    ],
)
async def test_a_draft_that_fails_is_mended(brief, desk, draft, reason):
    writer, proposal = await proposed(brief, desk, draft, fenced(GOOD))
    assert (proposal.source, proposal.rejection) == (GOOD, {})
    assert list(desk.answers) == ["reflect", "ideate", "write/1", "write/2"]
    assert reason in writer.prompts[3]
    assert draft.removeprefix("Here it is.\n\n").strip() in writer.prompts[3]


async def test_a_third_draft_that_passes_is_used(brief, desk):
    _, proposal = await proposed(brief, desk, fenced(BROKEN), "hm", fenced(GOOD))
    assert (proposal.source, proposal.rejection) == (GOOD, {})


async def test_of_three_failed_drafts_the_last_is_kept_with_its_rejection(brief, desk):
    writer, proposal = await proposed(brief, desk, fenced(STRANGE), "hm", fenced(BROKEN))
    assert proposal.source == BROKEN
    rejection = Rejection(**proposal.rejection)
    assert (rejection.stage, rejection.design) == ("smoke", hashlib.sha256(BROKEN.encode()).hexdigest())
    assert len(writer.prompts) == 5


async def test_code_is_kept_with_its_own_rejection_where_no_more_comes(brief, desk):
    _, proposal = await proposed(brief, desk, fenced(STRANGE), "hm", "hm")
    assert (proposal.source, proposal.rejection["stage"]) == (STRANGE, "static")
    desk.answers.clear()
    _, proposal = await proposed(brief, desk, fenced(STRANGE), ProposalFailed("The endpoint is gone."))
    assert (proposal.source, proposal.rejection["stage"]) == (STRANGE, "static")


async def test_without_any_code_there_is_no_proposal(brief, desk):
    with pytest.raises(ProposalFailed, match="scripted wrote no design in 3 answers: The answer has no closed"):
        await proposed(brief, desk, "hm", "hm", "hm")
    desk.answers.clear()
    with pytest.raises(ProposalFailed, match="The endpoint is gone"):
        await proposed(brief, desk, ProposalFailed("The endpoint is gone."))


async def test_a_spent_budget_ends_it_at_once(brief, desk):
    with pytest.raises(BudgetSpent):
        await proposed(brief, desk, fenced(BROKEN), BudgetSpent("All is spent."))


@pytest.mark.parametrize("asked", range(5))
async def test_what_was_answered_before_a_kill_is_not_asked_again(brief, desk, asked):
    answers = [*TOLD, fenced(BROKEN), "hm", fenced(GOOD)]
    killed = Scripted([*answers[:asked], asyncio.CancelledError()])
    with pytest.raises(asyncio.CancelledError):
        await MetaAgent("openai", lambda _: killed).propose(brief, desk)
    again = Scripted(answers[asked:])
    proposal = await MetaAgent("openai", lambda _: again).propose(brief, desk)
    assert proposal.source == GOOD
    assert len(again.prompts) == 5 - asked
    silent = Scripted([])
    assert await MetaAgent("openai", lambda _: silent).propose(brief, desk) == proposal


def test_schemas_are_closed_and_want_every_field():
    for form in (Reflection, Idea):
        schema = schema_of(form)
        assert schema["additionalProperties"] is False
        assert schema["required"] == list(schema["properties"])
        assert "minLength" not in json.dumps(schema)
