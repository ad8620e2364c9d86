"""`alma-mcp promotions` and `alma-mcp rollback`: where a person decides."""

import asyncio
from typing import Any

import click

from alma_mcp.approval.signing import TERMINAL, append, sign_in
from alma_mcp.approval.terminal import ask, require_terminal
from alma_mcp.approval.waiting import until_ready
from alma_mcp.command_context import Context
from alma_mcp.control import Control
from alma_mcp.errors import BadRequest
from alma_mcp.ledger.rows import Approved, Rejected
from alma_mcp.review import terminal_page as pages


@click.group(invoke_without_command=True)
@click.pass_context
def promotions(context: click.Context) -> None:
    """List, show, approve or reject what the search proposes."""
    if context.invoked_subcommand is None:
        context.invoke(list_requests)


@promotions.command("list")
@click.pass_obj
def list_requests(context: Context) -> None:
    """The promotions that wait for a decision."""
    pages.show(pages.listing(asyncio.run(_ask(context, "promotions.list"))["requests"]))


@promotions.command()
@click.argument("reference", metavar="ID")
@click.pass_obj
def show(context: Context, reference: str) -> None:
    """The evidence, what the design may use, and its code against the champion's."""
    request = asyncio.run(_ask(context, "promotions.show", reference=reference))
    pages.check_shown(request)
    pages.show(pages.page(request))


@promotions.command()
@click.argument("reference", metavar="ID")
@click.option("--against-evidence", is_flag=True, help="Approve although the gate said no.")
@click.pass_obj
def approve(context: Context, reference: str, *, against_evidence: bool) -> None:
    """Make a design champion: in a terminal, by its typed id and your passphrase."""
    require_terminal()
    asyncio.run(_approve(context, reference, against_evidence=against_evidence))


@promotions.command()
@click.argument("reference", metavar="ID")
@click.pass_obj
def reject(context: Context, reference: str) -> None:
    """Close a request without a promotion; signed as well."""
    require_terminal()
    asyncio.run(_reject(context, reference))


@click.command()
@click.pass_obj
def rollback(context: Context) -> None:
    """Go back to the champion before this one, at once."""
    answer = asyncio.run(_ask(context, "ledger.roll_back"))
    click.echo(f"Rolled back: {pages.one_line(answer['name'])} ({answer['id'][:12]}) serves.")


async def _approve(context: Context, reference: str, *, against_evidence: bool) -> None:
    async with context.control() as engine:
        request = await _readable(engine, reference, against_evidence=against_evidence)
        _confirm(request)
        signer = await sign_in(context.home, engine)
        content = Approved(
            request["design"], request["evidence"], request["request"], signer.name, TERMINAL, request["report"],
            signer.key,
        )  # fmt: skip
        after = await append(engine, signer.approver, content)
    name = pages.one_line(request["name"])
    if missing := after["needed"] - len(after["approvals"]):
        click.echo(f"Your approval of {name} counts; it needs {missing} more, of another approver.")
    else:
        click.echo(f"Approved. {name} serves as soon as it has taken in the memories: `alma-mcp status`.")


async def _readable(engine: Control, reference: str, *, against_evidence: bool) -> dict[str, Any]:
    """Show a request that may be approved, once it is rehearsed. Raises `BadRequest` with what is against it."""
    request = await engine.request("promotions.show", {"reference": reference})
    pages.check_shown(request)
    refused = _refused(request, against_evidence=against_evidence)
    if not refused and request["state"] != "ready":
        await until_ready(engine, request["request"])
        request = await engine.request("promotions.show", {"reference": reference})
        pages.check_shown(request)
        refused = _refused(request, against_evidence=against_evidence)
    pages.show(pages.page(request))
    if refused:
        raise BadRequest(refused)
    return request


def _refused(request: dict[str, Any], *, against_evidence: bool) -> str:
    """Why it cannot be approved like this; empty where it can. What serve.toml asks for, no option overrules."""
    if request["unmet"]:
        return " ".join(request["unmet"])
    doubts = pages.doubts(request)
    return f"{doubts[0]} `--against-evidence` approves it all the same." if doubts and not against_evidence else ""


async def _reject(context: Context, reference: str) -> None:
    async with context.control() as engine:
        request = await engine.request("promotions.find", {"reference": reference})
        _confirm(request)
        signer = await sign_in(context.home, engine)
        await append(engine, signer.approver, Rejected(request["request"], signer.name, TERMINAL, signer.key))
    click.echo("Rejected.")


def _confirm(request: dict[str, Any]) -> None:
    short = request["design"][:12]
    if ask(f"Type the design's id ({short}) to decide about it: ") != short:
        raise BadRequest("That is not its id; nothing was decided.")


async def _ask(context: Context, name: str, **params: Any) -> dict[str, Any]:
    async with context.control() as engine:
        return await engine.request(name, params)
