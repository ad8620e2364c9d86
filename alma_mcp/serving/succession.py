"""Which design serves, by the ledger: the champion, the one that stands in until it is built, the one to go back to."""

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

from alma_mcp.design_store import Design, DesignStore
from alma_mcp.errors import LedgerError, StoreError
from alma_mcp.ledger.champion_ledger import ChampionLedger
from alma_mcp.ledger.rows import Live
from alma_mcp.ledger.standing import Standing, standing
from alma_mcp.ledger.state import Champion, Promotion, PromotionState

CHANGED: frozenset[PromotionState] = frozenset({"approved", "live", "replaced", "rolled_back"})
FOLLOWS_SECONDS = 7 * 24 * 3600.0
"""So long after a change the design before takes in what is learnt; later it does so when one goes back to it."""


class Succession:
    """Reads the ledger as serving needs it, and writes down what became of an approval. `clock` gives UTC seconds."""

    def __init__(self, ledger: ChampionLedger, store: DesignStore, dossiers: Path, clock: Callable[[], float]) -> None:
        self._ledger = ledger
        self._store = store
        self._dossiers = dossiers
        self._clock = clock

    def standing(self) -> Standing:
        """The design that the ledger names, as far as its approval holds."""
        return standing(self._ledger, self._store, self._dossiers)

    def champion(self) -> Design:
        """The design that should serve. Raises `StoreError` where not even the first one can be read."""
        return self.standing().design

    def settled(self) -> Design:
        """The newest champion that has taken over at some time: it serves while a newer one is built."""
        return standing(self._ledger, self._store, self._dossiers, self._settled()).design

    def previous(self) -> Design | None:
        """The champion before the settled one, where its code can still be read."""
        for champion in self._settled()[1:]:
            with contextlib.suppress(StoreError):
                return self._store.get(champion.design, self._name(champion))
        return None

    def follows_previous(self) -> bool:
        """Whether the champion changed so lately that the one before should know what is learnt."""
        latest = max((each.changed_at for each in self._decided()), default=0.0)
        return self._clock() - latest < FOLLOWS_SECONDS

    def request_of(self, design: Design) -> Promotion | None:
        """The promotion that made this design champion, if it is champion."""
        champion = self._ledger.champions()[0]
        return self._ledger.promotions().get(champion.request) if champion.design == design.id else None

    async def took_over(self, design: Design) -> None:
        """Write down, once, that an approved design is live; a ledger that changed meanwhile knows better."""
        promotion = self.request_of(design)
        if promotion and promotion.state == "approved":
            with contextlib.suppress(LedgerError):
                await self._ledger.record(Live(design.id, promotion.request))

    async def roll_back(self, request: int, reason: str) -> bool:
        """The canary's word: back to the design before, where this promotion is still the champion's.

        Gives whether it was. Raises `LedgerError` or `StoreError`.
        """
        if self._ledger.champions()[0].request != request:
            return False
        await self._ledger.roll_back("alma-mcp", "canary", reason)
        return True

    def last_rollback(self) -> str:
        """Which design was rolled back and why, where nothing has been promoted since."""
        decided = self._decided()
        latest = max((each.changed_at for each in decided), default=0.0)
        for each in decided:
            if each.state == "rolled_back" and each.changed_at == latest:
                why = f": {each.reason}" if each.reason else ""
                return f"{each.name or each.design[:12]} was rolled back{why}."
        return ""

    def _decided(self) -> Sequence[Promotion]:
        """The promotions that have ever changed the champion."""
        return [each for each in self._ledger.promotions().values() if each.state in CHANGED]

    def _settled(self) -> Sequence[Champion]:
        promotions = self._ledger.promotions()
        return [
            each
            for each in self._ledger.champions()
            if each.request not in promotions or promotions[each.request].state != "approved"
        ]

    def _name(self, champion: Champion) -> str:
        promotion = self._ledger.promotions().get(champion.request)
        return promotion.name if promotion else ""
