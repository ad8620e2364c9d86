"""Where a person signs in the dashboard: by a passphrase that unlocks a key for one row, or by a passkey's word for it.

The rows go to the ledger through the engine's own request `ledger.append`, which asks of them what it asks of the
terminal's. A passphrase is neither kept nor logged, and the unlocked key is forgotten with the row.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.datastructures import FormData

from alma_mcp.approval.key_files import KeyFiles
from alma_mcp.approval.passkey_registration import decoded, request_options
from alma_mcp.control import Handler
from alma_mcp.dashboard.kept import Kept
from alma_mcp.errors import BadRequest, ChainBroken, NotApprovable
from alma_mcp.ledger.champion_ledger import ChampionLedger
from alma_mcp.ledger.passkey import PASSKEY, challenge_of, signature_of
from alma_mcp.ledger.rows import Approved, Enrolled, Rejected, Row
from alma_mcp.ledger.signatures import signature_holds
from alma_mcp.ledger.state import EnrolledKey

CHANNEL = "dashboard"
ATTEMPTS = 5
Signed = Approved | Rejected | Enrolled


class SigningDesk:
    """Signs rows for one home. `clock` gives seconds since the epoch."""

    def __init__(
        self, handlers: Mapping[str, Handler], ledger: ChampionLedger, files: KeyFiles, clock: Callable[[], float]
    ) -> None:
        self._handlers = handlers
        self._ledger = ledger
        self._files = files
        self._drafts = Kept[Row](clock)

    def enrolled(self) -> Sequence[EnrolledKey]:
        """The keys that may sign."""
        return self._ledger.enrolled_keys()

    def passkeys(self) -> list[EnrolledKey]:
        """Those of them that are passkeys."""
        return [each for each in self.enrolled() if each.public_key.startswith(PASSKEY)]

    def passkey(self, public_key: str) -> EnrolledKey:
        """The enrolled passkey with this public key; where none is named, the only one. Raises `BadRequest`."""
        found = [each for each in self.passkeys() if public_key in ("", each.public_key)]
        if len(found) != 1:
            raise BadRequest("Choose with which of the enrolled passkeys you want to sign.")
        return found[0]

    async def by_passphrase(self, passphrase: str, content: Callable[[EnrolledKey], Signed]) -> dict[str, Any]:
        """Sign what `content` makes for the key that this passphrase unlocks, and write it; gives what the engine says.

        Raises `NotApprovable` for a wrong passphrase; nothing is written then.
        """
        keys = {each.public_key: each for each in self.enrolled()}
        if not keys:
            raise NotApprovable("Nobody may sign here yet; enrol a key first.")
        approver, _ = await asyncio.to_thread(self._files.unlock, passphrase, keys)
        made = content(keys[approver.public_key])
        for _ in range(ATTEMPTS):
            row = self._ledger.draft(made)
            try:
                return await self._write(row, approver.sign(row.body()))
            except ChainBroken:
                if self._ledger.draft(made).sequence == row.sequence:
                    raise
        raise NotApprovable("The ledger is written all the time; nothing was decided. Try again in a moment.")

    def draft(self, visit: str, content: Signed, credentials: Sequence[str]) -> dict[str, Any]:
        """Keep the next row with this content for a visit; gives what the browser asks one of its passkeys for."""
        row = self._ledger.draft(content)
        self._drafts.keep(visit, row)
        return request_options(challenge_of(row.body()), credentials)

    async def by_passkey(self, visit: str, form: FormData, meant: Callable[[Signed], bool]) -> dict[str, Any]:
        """Write the drafted row with the word that the browser brought back for it; `meant` says whether it is the row
        that this form is about. Raises `NotApprovable` where it is not that word; nothing is written then.
        """
        row, content = self._taken(visit, meant)
        authenticator, client, signed = (
            decoded(str(form.get(name, ""))) for name in ("authenticator", "client", "signed")
        )
        signature = signature_of(authenticator, client, signed)
        key = content.key or (content.public_key if isinstance(content, Enrolled) else "")
        if not signature_holds(key, signature, row.body()):
            raise NotApprovable("That is not this passkey's word for this; nothing was decided. Try again.")
        if self._ledger.draft(content).sequence != row.sequence:
            raise NotApprovable("The ledger has gone on meanwhile; nothing was decided. Try again.")
        return await self._write(row, signature)

    def _taken(self, visit: str, meant: Callable[[Signed], bool]) -> tuple[Row, Signed]:
        row = self._drafts.take(visit)
        content = row.content
        if not isinstance(content, Approved | Rejected | Enrolled) or not meant(content):
            raise NotApprovable("The passkey was asked about something else; nothing was decided. Begin again.")
        return row, content

    async def _write(self, row: Row, signature: str) -> dict[str, Any]:
        return await self._handlers["ledger.append"]({"body": row.body().decode(), "signature": signature})
