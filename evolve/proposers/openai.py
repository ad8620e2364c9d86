"""Any OpenAI-compatible endpoint as the meta-agent. `model` may name an effort: `gpt-5-mini/low`."""

from alma_mcp.errors import ToolkitError
from alma_mcp.toolkit import Completer
from evolve.budget import Budget
from evolve.errors import ProposalFailed
from evolve.evaluation import Rejection
from evolve.propose import Brief, Proposal, read_answer, write_prompt, write_repair

ATTEMPTS = 3


class OpenAI:
    """Asks up to three times; every token is counted against the budget before the answer is used."""

    name = "openai"

    def __init__(self, completer: Completer, budget: Budget) -> None:
        self._completer = completer
        self._budget = budget

    async def propose(self, brief: Brief) -> Proposal:
        prompt = request = write_prompt(brief)
        tokens = 0
        for _ in range(ATTEMPTS):
            self._budget.check()
            try:
                completion = await self._completer.complete(request, None)
            except ToolkitError as error:
                raise ProposalFailed(str(error)) from error
            spent = completion.tokens_in + completion.tokens_out
            tokens += spent
            self._budget.spend(calls=1, tokens=spent)
            read = read_answer(completion.text, tokens)
            if isinstance(read, Proposal):
                return read
            request = write_repair(prompt, completion.text, read)
        assert isinstance(read, Rejection)
        raise ProposalFailed(f"The model gave no usable design in {ATTEMPTS} answers: {read.reason}")
