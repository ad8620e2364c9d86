"""`alma-mcp approvers`: whose keys may approve promotions."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from alma_mcp.approval.account import APPROVER_NAME
from alma_mcp.approval.signing import enroll, enrolled_names, replace_own, sign_in
from alma_mcp.approval.terminal import ask_new_passphrase, require_terminal
from alma_mcp.command_context import Context
from alma_mcp.errors import BadRequest
from alma_mcp.visible_text import one_line


@click.group(invoke_without_command=True)
@click.pass_context
def approvers(context: click.Context) -> None:
    """List, enrol or replace the keys that may approve promotions."""
    if context.invoked_subcommand is None:
        context.invoke(list_keys)


@approvers.command("list")
@click.pass_obj
def list_keys(context: Context) -> None:
    """Who may approve: by which method, since when, on whose word."""
    told = asyncio.run(_list(context))
    if not told["keys"]:
        click.echo("Nobody is enrolled yet. `alma-mcp approvers enroll NAME` enrols you; do it before others can.")
        return
    table = Table("name", "method", "enrolled", "on the word of", "key")
    for each in told["keys"]:
        on = datetime.fromtimestamp(each["at"], UTC).strftime("%Y-%m-%d %H:%M UTC")
        word = "the key before it" if each["replaces"] else "nobody: the first" if each["first"] else each["by"]
        name = one_line(each["name"]) or "(an older ledger's)"
        table.add_row(*map(Text, (name, each["method"], on, one_line(word), each["public_key"][-12:])))
    Console().print(table)
    if told["named"]:
        click.echo(f"serve.toml lets approve: {', '.join(told['named'])}.")


@approvers.command("enroll")
@click.argument("name")
@click.pass_obj
def enroll_name(context: Context, name: str) -> None:
    """Enrol NAME, in a terminal: a new person's passphrase, and the word of somebody who is enrolled already."""
    require_terminal()
    if not APPROVER_NAME.fullmatch(name):
        raise BadRequest("A name is up to 64 letters and digits of ASCII, with . _ @ + - inside; choose such a one.")
    asyncio.run(_enroll(context, name))
    click.echo(f"{name} may approve promotions now; `alma-mcp status` says so for a week.")


@approvers.command("replace")
@click.pass_obj
def replace_key(context: Context) -> None:
    """A new key and passphrase for yourself, in a terminal; the one before signs it, and counts no more."""
    require_terminal()
    name = asyncio.run(_replace(context))
    click.echo(f"The key of {name} is another one now; `alma-mcp status` says so for a week.")


async def _list(context: Context) -> dict[str, Any]:
    async with context.control() as engine:
        return await engine.request("approvers.list", {})


async def _enroll(context: Context, name: str) -> None:
    async with context.control() as engine:
        names = await enrolled_names(engine)
        if name in names.values():
            raise BadRequest(f"{name} is enrolled already; `alma-mcp approvers replace` gives {name} another key.")
        if not names:
            if context.home.approver.exists():
                raise BadRequest(f"There is a key in {context.home.approver} that nobody enrolled; move it away first.")
            await enroll(context.home, engine, name, ask_new_passphrase())
            return
        click.echo("First somebody who is enrolled already, to sign for it.")
        by = await sign_in(context.home, engine)
        click.echo(f"Now {name}.")
        await enroll(context.home, engine, name, ask_new_passphrase(), by)


async def _replace(context: Context) -> str:
    async with context.control() as engine:
        if not await enrolled_names(engine):
            raise BadRequest("Nobody is enrolled yet, so there is no key to replace: `alma-mcp approvers enroll NAME`.")
        own = await sign_in(context.home, engine)
        await replace_own(context.home, engine, ask_new_passphrase(), own)
        return own.name
