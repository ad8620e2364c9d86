"""A model that writes designs: it reflects on the parent, thinks of one hypothesis, writes, and mends what fails.

The hypothesis and its plan are one question, since both need the same long prompt, and a plan without its
hypothesis means nothing. The questions are `reflect`, `ideate` (each with `/again` where the answer is not of its
form) and `write/1` to `write/3`, whose answers are on record at the desk: a search that was killed asks nothing twice.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import TypeVar

from evolve.errors import ProposalFailed
from evolve.evaluation import Rejection
from evolve.meta.brief import Answer, Brief, Desk, Proposal, Writer
from evolve.meta.lessons import clean, forbidden
from evolve.meta.schemas import Idea, Invalid, Reflection, read, schema_of
from evolve.propose import (
    again_prompt,
    design_prompt,
    draft_in,
    hypothesis_of,
    ideate_prompt,
    reflect_prompt,
    repair_prompt,
)

DRAFTS = 3
SAID = 3
"""Lessons that are taken of one reflection."""

CHARACTERS = 3
"""In a token of code, at least: what a prompt costs is set aside before it is known."""

Form = TypeVar("Form", Reflection, Idea)


class MetaAgent:
    """Implements `Proposer`. `choose` says who writes for a brief; it is asked once for each."""

    def __init__(self, name: str, choose: Callable[[Brief], Writer]) -> None:
        self.name = name
        self._choose = choose

    async def propose(self, brief: Brief, desk: Desk) -> Proposal:
        """The first of three drafts that can be evaluated, or the last one with its rejection.

        Raises `ProposalFailed` where there is no code at all, or no answer of the form asked for.
        """
        seat = _Seat(desk, self._choose(brief))
        reflection = await seat.formed("reflect", reflect_prompt(brief), Reflection)
        idea = await seat.formed("ideate", ideate_prompt(brief, reflection), Idea)
        secret = forbidden(texts=[text for parent in brief.parents for text in parent.seen])
        lessons = [line for said in reflection.lessons[:SAID] if (line := clean(said, secret))]
        used = brief.parents if idea.borrows_from_second else brief.parents[:1]
        parents = [each.design.id for each in used]
        return replace(await _write(seat, brief, idea), lessons=lessons, parents=parents)


@dataclass(frozen=True, slots=True)
class _Seat:
    """One writer at one desk."""

    desk: Desk
    writer: Writer

    async def free(self, question: str, prompt: str) -> Answer:
        return await self._ask(question, prompt, None)

    async def formed(self, question: str, prompt: str, form: type[Form]) -> Form:
        """An answer of a form; one that is not is given back once."""
        answer = await self._ask(question, prompt, form)
        try:
            return read(answer.text, form)
        except Invalid as problem:
            prompt = again_prompt(prompt, answer.text, str(problem))
        answer = await self._ask(f"{question}/again", prompt, form)
        try:
            return read(answer.text, form)
        except Invalid as problem:
            told = f"{answer.who} twice gave no usable answer to {question!r}: {problem}"
            raise ProposalFailed(told) from problem

    async def _ask(self, question: str, prompt: str, form: type[Form] | None) -> Answer:
        most = len(prompt) // CHARACTERS + self.writer.tokens
        schema = schema_of(form) if form else None
        return await self.desk.ask(question, self.writer.who, most, lambda: self.writer.write(prompt, schema))


async def _write(seat: _Seat, brief: Brief, idea: Idea) -> Proposal:
    """Up to three drafts; one that cannot be evaluated is given back with the reason."""
    prompt = request = design_prompt(brief, idea)
    last: Proposal | None = None
    problem = ""
    for number in range(1, DRAFTS + 1):
        try:
            answer = await seat.free(f"write/{number}", request)
        except ProposalFailed:
            if last is None:
                raise
            return last
        source, rejection = await _tried(seat.desk, answer.text)
        if source:
            last = _proposal(source, idea, answer.who, rejection)
            if rejection is None:
                return last
        assert rejection is not None
        problem = rejection.reason
        request = repair_prompt(prompt, answer.text, rejection)
    if last is None:
        raise ProposalFailed(f"{seat.writer.who} wrote no design in {DRAFTS} answers: {problem}")
    return last


async def _tried(desk: Desk, answer: str) -> tuple[str, Rejection | None]:
    """The draft in an answer, empty where there is none, and why it cannot be evaluated."""
    draft = draft_in(answer)
    if isinstance(draft, Rejection):
        return "", draft
    return draft, await desk.try_out(draft)


def _proposal(source: str, idea: Idea, who: str, rejection: Rejection | None) -> Proposal:
    return Proposal(
        source=source,
        hypothesis=hypothesis_of(idea),
        refuted_by=idea.refuted_by,
        plan="\n".join(idea.steps),
        who=who,
        rejection=asdict(rejection) if rejection else {},
    )
