"""Who is champion, by the ledger of a home: read, verified and never written here."""

import contextlib
import sqlite3
from urllib.parse import quote

from alma_mcp.errors import ChainBroken, NotApprovable
from alma_mcp.home import Home
from alma_mcp.ledger.rows import parse_row
from alma_mcp.ledger.state import LedgerState


def champion_of(home: Home) -> str:
    """The id of the champion, empty where no ledger says; what comes behind a row that is false is not believed."""
    if not home.ledger.exists():
        return ""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{quote(str(home.ledger))}?mode=ro", uri=True)) as database:
            rows = database.execute("SELECT body, signature FROM ledger ORDER BY sequence").fetchall()
    except sqlite3.Error:
        return ""
    state = LedgerState()
    with contextlib.suppress(ChainBroken, NotApprovable):
        for body, signature in rows:
            state.take(parse_row(str(body), str(signature)))
    return state.champions[-1].design if state.champions else ""
