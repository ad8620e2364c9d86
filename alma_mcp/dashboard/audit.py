"""The section about the ledger: every row, verified again, and the keys that may approve."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request

from alma_mcp.dashboard.ledger_words import Words, words_of
from alma_mcp.dashboard.rendering import TEMPLATES
from alma_mcp.dashboard.section import Section, Shown
from alma_mcp.errors import LedgerError
from alma_mcp.ledger.champion_ledger import ChampionLedger
from alma_mcp.ledger.rows import Row
from alma_mcp.ledger.state import LedgerState

MOST_ROWS = 500


@dataclass(frozen=True, slots=True)
class Checked:
    """A row of the ledger with what it says; `holds` where it and all before it do, else `problem` says why not."""

    row: Row
    words: Words
    signed: bool
    holds: bool
    problem: str = ""


def audit_section(ledger: ChampionLedger) -> Section:
    """The section at `/audit`."""

    async def show(_: Request) -> Shown:
        rows, damage = await ledger.readable()
        checked = check(rows)
        problem = str(damage or "") or ledger.broken or next((each.problem for each in checked if each.problem), "")
        return Shown(
            "audit.html",
            {
                "rows": checked[::-1][:MOST_ROWS],
                "count": len(checked),
                "problem": problem,
                "keys": ledger.enrolled_keys(),
                "head": rows[-1].hash if rows else "",
            },
        )

    return Section("Audit", "/audit", TEMPLATES, {"/audit": show})


def check(rows: Sequence[Row]) -> list[Checked]:
    """Every row, verified against those before it; behind the first that does not hold none does."""
    state, problem = LedgerState(), ""
    checked = []
    for row in rows:
        own = ""
        if not problem:
            try:
                state.take(row)
            except LedgerError as error:
                problem = own = str(error)
        checked.append(Checked(row, words_of(row.content), bool(row.signature), not problem, own))
    return checked
