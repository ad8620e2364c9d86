"""A ledger with its control requests, without an engine; as a program, the promotion commands over it."""

import contextlib
import os
import pty
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import click

from alma_mcp.approval.approvers_cli import approvers
from alma_mcp.approval.ledger_control import ledger_handlers
from alma_mcp.approval.promotions_cli import promotions, rollback
from alma_mcp.approval.rules import ApprovalRules
from alma_mcp.command_line import run_group
from alma_mcp.config import load_settings
from alma_mcp.design_store import Design, DesignStore, bundled_designs
from alma_mcp.evidence.dossier import Dossier, Interval, Side
from alma_mcp.evidence.rehearsal import Performance, Rehearsal
from alma_mcp.home import Home
from alma_mcp.ledger.champion_ledger import ChampionLedger
from alma_mcp.ledger.rows import Building, Ready

FIRST = bundled_designs()["no_memory"]
SECOND = Design("SECOND = 2\n", "second")
PASSPHRASE = "correct horse"
PATIENCE_SECONDS = 60.0


def as_asked(design, dossier, champion, rehearsal=None, **more):
    """A request as the engine tells it to the page that a person reads."""
    return {
        "request": 2,
        "design": design.id,
        "name": design.name,
        "evidence": dossier.evidence,
        "source": design.source,
        "dossier": dossier.model_dump(mode="json"),
        "champion": {"id": champion.id, "name": champion.name, "source": champion.source},
        "report": rehearsal.report if rehearsal else "",
        "rehearsal": rehearsal.model_dump(mode="json") if rehearsal else None,
        **more,
    }


def made_dossier(design=SECOND, champion=FIRST, **changes):
    some = Interval(mean=0.5, low=0.4, high=0.6)
    sides = [
        Side(design=each.id, name=each.name, idea="An idea.", score=some, tokens=9, latency_ms=1, failures=0)
        for each in (design, champion)
    ]
    made = {
        "benchmark": "made", "split": "gate", "tasks": 20, "challenger": sides[0], "champion": sides[1],
        "difference": some, "p_value": 0.001, "alpha": 0.03, "minimum_effect": 0.01, "opening": 1, "wins": 15,
        "ties": 5, "losses": 0, "controls": {"empty": 0.0, "shuffled": 0.1}, "objections": (), "verdict": "passed",
        "hypothesis": "It helps.", "lineage": ("first",), "imports": ("json",), "needs_complete": False,
        "seconds": 1.0, "command": "alma-evolve promote second",
    }  # fmt: skip
    return Dossier(**{**made, **changes})


def made_rehearsal(design=SECOND, champion=FIRST, **changes):
    sides = [Performance(design=each.id, name=each.name, p50_ms=1.0, p95_ms=2.0) for each in (design, champion)]
    made = {"at": 1.0, "scopes": 1, "events": 3, "set_aside": 0, "replay_seconds": 0.1, **changes}
    return Rehearsal(challenger=sides[0], champion=sides[1], **made)


async def rehearse(rules, request):
    """Have a request ready, as the engine has once it rehearsed it."""
    rehearsal = made_rehearsal()
    rehearsal.save(rules.dossiers)
    await rules.ledger.record(Building(request))
    await rules.ledger.record(Ready(request, rehearsal.report))


class Direct:
    """A control connection that calls the handlers where it stands."""

    def __init__(self, handlers):
        self._handlers = handlers

    async def request(self, name, params):
        return await self._handlers[name](params)


@dataclass(frozen=True)
class Desk:
    """What the commands are given: a home, and a way to its ledger."""

    home: Home

    @contextlib.asynccontextmanager
    async def rules(self):
        """The rules over the home's ledger, as its settings say."""
        store = DesignStore(self.home.designs)
        ledger = await ChampionLedger.open(self.home.ledger, FIRST, store.holds_bundled)
        try:
            yield ApprovalRules(ledger, store, self.home.dossiers, load_settings(self.home.settings).approval)
        finally:
            await ledger.close()

    @contextlib.asynccontextmanager
    async def control(self, changed=lambda: None):
        async with self.rules() as rules:
            yield Direct(ledger_handlers(rules, changed))

    async def request(self, design=SECOND, dossier=None, *, rehearsed=True):
        """File a request, and have it rehearsed; gives the short id."""
        dossier = (dossier or made_dossier(design)).model_dump(mode="json")
        async with self.rules() as rules:
            asked = {"source": design.source, "name": design.name, "dossier": dossier}
            filed = await Direct(ledger_handlers(rules, lambda: None)).request("promotions.request", asked)
            if rehearsed:
                await rehearse(rules, filed["request"])
            return filed["short"]

    async def champion(self):
        """The id of the design that may serve."""
        async with self.rules() as rules:
            return rules.standing().design.id

    def at_terminal(self, arguments, answers=()):
        """Run a command on a pseudo-terminal and answer its questions; gives exit code and what was shown."""
        terminal, other = pty.openpty()
        command = [sys.executable, __file__, str(self.home.path), *arguments]
        environment = {**os.environ, "COLUMNS": "120", "PYTHONPATH": os.pathsep.join(sys.path)}
        with subprocess.Popen(
            command, stdin=other, stdout=other, stderr=other, start_new_session=True, env=environment
        ) as process:
            os.close(other)
            try:
                shown = converse(terminal, list(answers))
            finally:
                os.close(terminal)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(5)
                if process.poll() is None:
                    process.kill()
            return process.wait(PATIENCE_SECONDS), shown


def converse(terminal, answers):
    shown, seen, give_up = "", 0, time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up:
        if not select.select([terminal], [], [], 0.2)[0]:
            continue
        try:
            data = os.read(terminal, 65536)
        except OSError:
            return shown
        if not data:
            return shown
        shown += data.decode(errors="replace")
        if answers and answers[0][0] in shown[seen:] and shown.endswith(": "):
            seen = len(shown)
            os.write(terminal, answers.pop(0)[1].encode() + b"\n")
    raise TimeoutError(f"The terminal said nothing more for {PATIENCE_SECONDS:.0f} seconds:\n{shown}")


@click.group()
@click.argument("home", type=click.Path(path_type=Path))
@click.pass_context
def desk(context, home):
    """The promotion commands over a home's ledger."""
    context.obj = Desk(Home(home))


desk.add_command(approvers)
desk.add_command(promotions)
desk.add_command(rollback)


if __name__ == "__main__":
    sys.exit(run_group(desk, "alma-mcp", sys.argv[1:]))
