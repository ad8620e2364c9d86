"""A person's key at work in a terminal: unlocked, or made and enrolled, and signing rows for the engine to write."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from alma_mcp.approval.account import own_approver_name
from alma_mcp.approval.approver import Approver
from alma_mcp.approval.key_files import KeyFiles
from alma_mcp.approval.terminal import ask_new_passphrase, ask_passphrase
from alma_mcp.control import Control
from alma_mcp.errors import AlmaError, ChainBroken, EngineError
from alma_mcp.home import Home
from alma_mcp.ledger.rows import Content, Enrolled, Row

ATTEMPTS = 5
TERMINAL = "terminal"


@dataclass(frozen=True, slots=True)
class Signer:
    """An unlocked key that is enrolled, under its approver's name, and its file."""

    approver: Approver
    name: str
    place: Path

    @property
    def key(self) -> str:
        return self.approver.public_key


async def enrolled_names(engine: Control) -> dict[str, str]:
    """The names of the keys that may approve, by key; a key of an older ledger has none."""
    return {each["public_key"]: each["name"] for each in (await engine.request("approvers.list", {}))["keys"]}


async def sign_in(home: Home, engine: Control) -> Signer:
    """The key that a typed passphrase opens; the first one of a home is made, and enrolled on nobody's word.

    Raises `NotApprovable` for a wrong passphrase.
    """
    names, files = await enrolled_names(engine), KeyFiles(home)
    if not names and not home.approver.exists():
        return await enroll(home, engine, own_approver_name(), ask_new_passphrase())
    approver, place = files.unlock(ask_passphrase("Approval passphrase: "), names)
    if names:
        name = names[approver.public_key]
        return Signer(approver, name or own_approver_name(), place)
    await append(engine, approver, Enrolled(approver.public_key, own_approver_name(), TERMINAL))
    return Signer(approver, own_approver_name(), place)


async def enroll(home: Home, engine: Control, name: str, passphrase: str, by: Signer | None = None) -> Signer:
    """Make a key and enrol it on the word of `by`, or as the first one. Nothing is left of a key that is refused."""
    files = KeyFiles(home)
    place = files.place(name, first=by is None)
    return await _enroll(files, place, engine, Enrolled("", name, TERMINAL, key=by.key if by else ""), passphrase, by)


async def replace_own(home: Home, engine: Control, passphrase: str, own: Signer) -> Signer:
    """Make a key that takes the place of one's own, and is signed by it."""
    content = Enrolled("", own.name, TERMINAL, replaces=own.key, key=own.key)
    return await _enroll(KeyFiles(home), own.place, engine, content, passphrase, own)


async def _enroll(
    files: KeyFiles, place: Path, engine: Control, content: Enrolled, passphrase: str, by: Signer | None
) -> Signer:
    """An engine that goes away meanwhile may have written the row: the key then stays beside its place."""
    made = files.write(place, passphrase)
    try:
        await append(engine, by.approver if by else made, replace(content, public_key=made.public_key))
    except EngineError:
        raise
    except AlmaError:
        files.discard(place)
        raise
    files.keep(place)
    return Signer(made, content.name, place)


async def append(engine: Control, approver: Approver, content: Content) -> dict[str, Any]:
    """Sign the next row of the ledger and have it written; again where the engine wrote one in between."""
    for _ in range(ATTEMPTS):
        head = await engine.request("ledger.head", {})
        row = Row(head["sequence"], time.time(), head["previous"], content)
        signed = {"body": row.body().decode(), "signature": approver.sign(row.body())}
        try:
            return await engine.request("ledger.append", signed)
        except ChainBroken:
            if (await engine.request("ledger.head", {}))["sequence"] == row.sequence:
                raise
    raise EngineError("The ledger is written all the time; try again in a moment.")
