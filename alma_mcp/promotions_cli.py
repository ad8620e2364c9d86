"""`alma-mcp promotions` and `alma-mcp rollback`: where a person decides."""

import asyncio
import getpass
import time
from typing import TYPE_CHECKING, Any

import click

from alma_mcp import promotions as pages
from alma_mcp.approver import Approver
from alma_mcp.control import Control
from alma_mcp.errors import BadRequest
from alma_mcp.ledger_rows import Approved, Content, Enrolled, Rejected, Row
from alma_mcp.terminal import ask, ask_new_passphrase, ask_passphrase, require_terminal

if TYPE_CHECKING:
    from alma_mcp.cli import Context


@click.group(invoke_without_command=True)
@click.pass_context
def promotions(context: click.Context) -> None:
    """List, show, approve or reject what the search proposes."""
    if context.invoked_subcommand is None:
        context.invoke(list_requests)


@promotions.command("list")
@click.pass_obj
def list_requests(context: "Context") -> None:
    """The promotions that wait for a decision."""
    pages.show(pages.listing(asyncio.run(_ask(context, "promotions.list"))["requests"]))


@promotions.command()
@click.argument("reference", metavar="ID")
@click.pass_obj
def show(context: "Context", reference: str) -> None:
    """The evidence, what the design may use, and its code against the champion's."""
    request = asyncio.run(_ask(context, "promotions.show", reference=reference))
    pages.check_shown(request)
    pages.show(pages.page(request))


@promotions.command()
@click.argument("reference", metavar="ID")
@click.option("--against-evidence", is_flag=True, help="Approve although the gate said no.")
@click.pass_obj
def approve(context: "Context", reference: str, *, against_evidence: bool) -> None:
    """Make a design champion: in a terminal, by its typed id and your passphrase."""
    require_terminal()
    asyncio.run(_approve(context, reference, against_evidence=against_evidence))


@promotions.command()
@click.argument("reference", metavar="ID")
@click.pass_obj
def reject(context: "Context", reference: str) -> None:
    """Close a request without a promotion; signed as well."""
    require_terminal()
    asyncio.run(_reject(context, reference))


@click.command()
@click.pass_obj
def rollback(context: "Context") -> None:
    """Go back to the champion before this one, at once."""
    answer = asyncio.run(_ask(context, "ledger.roll_back"))
    click.echo(f"Rolled back: {pages.one_line(answer['name'])} ({answer['id'][:12]}) serves.")


async def _approve(context: "Context", reference: str, *, against_evidence: bool) -> None:
    async with context.control() as engine:
        request = await engine.request("promotions.show", {"reference": reference})
        pages.check_shown(request)
        pages.show(pages.page(request))
        if (doubts := pages.doubts(request)) and not against_evidence:
            raise BadRequest(f"{doubts[0]} `--against-evidence` approves it all the same.")
        _confirm(request)
        approver = await _approver(context, engine)
        content = Approved(request["design"], request["evidence"], request["request"], getpass.getuser(), "terminal")
        await _append(engine, approver, content)
    name = pages.one_line(request["name"])
    click.echo(f"Approved. {name} serves as soon as it has taken in the memories: `alma-mcp status`.")


async def _reject(context: "Context", reference: str) -> None:
    async with context.control() as engine:
        request = await engine.request("promotions.find", {"reference": reference})
        _confirm(request)
        approver = await _approver(context, engine)
        await _append(engine, approver, Rejected(request["request"], getpass.getuser(), "terminal"))
    click.echo("Rejected.")


def _confirm(request: dict[str, Any]) -> None:
    short = request["design"][:12]
    if ask(f"Type the design's id ({short}) to decide about it: ") != short:
        raise BadRequest("That is not its id; nothing was decided.")


async def _approver(context: "Context", engine: Control) -> Approver:
    """The unlocked key; made and enrolled at first use."""
    path = context.home.approver
    enrolled = (await engine.request("ledger.head", {}))["public_key"]
    if path.exists():
        approver = Approver.unlock(path, ask_passphrase("Approval passphrase: "))
    elif enrolled:
        raise BadRequest(f"An approver is enrolled, but the key file {path} is gone; put it back from a backup.")
    else:
        approver = Approver.create(path, ask_new_passphrase())
    if not enrolled:
        await _append(engine, approver, Enrolled(approver.public_key))
    elif enrolled != approver.public_key:
        raise BadRequest(f"{path} is not the key that is enrolled; put that one back from a backup.")
    return approver


async def _append(engine: Control, approver: Approver, content: Content) -> None:
    head = await engine.request("ledger.head", {})
    row = Row(head["sequence"], time.time(), head["previous"], content)
    await engine.request("ledger.append", {"body": row.body().decode(), "signature": approver.sign(row.body())})


async def _ask(context: "Context", name: str, **params: Any) -> dict[str, Any]:
    async with context.control() as engine:
        return await engine.request(name, params)
