"""The desk of one step: what is asked there is on record, what is drafted there is tried out."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict

from alma_mcp.design_store import Design
from evolve.archive import Cost, Journal, Run
from evolve.budget import Amount, Budget
from evolve.evaluated_memory import Laboratory
from evolve.evaluation import Rejection
from evolve.meta.brief import Answer
from evolve.meta.novelty import why_not_new
from evolve.verify import verify

Worth = Callable[[str, int], float]
"""Dollars that so many tokens of this model cost at most."""


class StepDesk:
    """Implements `Desk` for one step of a run. `others` are the designs that a new one must not repeat."""

    def __init__(
        self,
        journal: Journal,
        run: Run,
        step: str,
        budget: Budget,
        laboratory: Laboratory,
        others: Sequence[Design],
        worth: Worth,
        *,
        strict: bool,
    ) -> None:
        self._journal = journal
        self._run = run
        self._step = step
        self._budget = budget
        self._laboratory = laboratory
        self._others = others
        self._worth = worth
        self._strict = strict
        self._tried: dict[str, Rejection | None] = {}

    async def ask(self, question: str, who: str, tokens: int, asking: Callable[[], Awaitable[Answer]]) -> Answer:
        if recorded := self._journal.answered(self._run, self._step, question):
            return Answer(**recorded)
        with self._budget.set_aside(Amount(calls=1, tokens=tokens, dollars=self._worth(who, tokens))):
            answer = await asking()
            cost = Cost("meta", answer.who, 1, answer.tokens_in + answer.tokens_out, answer.dollars)
            self._journal.answer(self._run, self._step, question, asdict(answer), cost)
            self._budget.spend(cost)
        return answer

    async def try_out(self, source: str) -> Rejection | None:
        if source not in self._tried:
            rejection = why_not_new(source, self._others, strict=self._strict)
            self._tried[source] = rejection or await verify(Design(source), self._laboratory)
        return self._tried[source]
