"""What a search may spend on models."""

from alma_mcp.errors import BudgetSpent


class Budget:
    """Counts calls and tokens against ceilings."""

    def __init__(self, calls: int, tokens: int) -> None:
        self._calls_left = calls
        self._tokens_left = tokens

    def check(self) -> None:
        """Raises `BudgetSpent` when nothing more may be asked."""
        if self._calls_left <= 0 or self._tokens_left <= 0:
            raise BudgetSpent("The search has spent its budget; raise [budget] in the configuration to go on.")

    def spend(self, calls: int, tokens: int) -> None:
        self._calls_left -= calls
        self._tokens_left -= tokens
