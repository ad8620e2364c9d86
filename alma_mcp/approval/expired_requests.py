"""Requests that nobody decided in time: they are closed, so that no approval rests on what was true long ago."""

import contextlib

from alma_mcp.errors import LedgerError, StoreError
from alma_mcp.ledger.champion_ledger import ChampionLedger
from alma_mcp.ledger.rows import Expired

DAY_SECONDS = 24 * 3600.0


async def expire_requests(ledger: ChampionLedger, now: float, days: float) -> None:
    """Close every open request that is older than so many days; `now` in seconds.

    What cannot be written, since the disk is full or the ledger damaged, stays open until the next time.
    """
    for number, asked in ledger.requests().items():
        if now - asked.requested_at > days * DAY_SECONDS:
            with contextlib.suppress(LedgerError, StoreError):
                await ledger.record(Expired(number, f"nobody decided within {days:g} days"))
