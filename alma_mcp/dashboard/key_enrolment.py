"""Enrolling a passkey in the dashboard: the browser makes it, and somebody who is enrolled already signs for it.

The first key of a home signs for itself, as nobody else can; `status` tells of every new key for a week.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import FormData

from alma_mcp.approval.account import APPROVER_NAME
from alma_mcp.approval.passkey_registration import creation_options, new_challenge, registered
from alma_mcp.dashboard.kept import Kept
from alma_mcp.dashboard.signing_desk import CHANNEL, SigningDesk
from alma_mcp.errors import BadRequest
from alma_mcp.ledger.rows import Enrolled
from alma_mcp.ledger.state import EnrolledKey


@dataclass(frozen=True, slots=True)
class _Begun:
    """A passkey that a browser was asked to make, for an approver of this name."""

    challenge: bytes
    name: str


class KeyEnrolment:
    """Enrols the passkeys of one home. `clock` gives seconds since the epoch."""

    def __init__(self, desk: SigningDesk, clock: Callable[[], float]) -> None:
        self._desk = desk
        self._begun = Kept[_Begun](clock)

    def begin(self, form: FormData, visit: str) -> dict[str, Any]:
        """What the browser is asked to make. Raises `BadRequest` for a name that is none."""
        name = str(form.get("name", "")).strip()
        if not APPROVER_NAME.fullmatch(name):
            raise BadRequest(
                "A name is up to 64 letters and digits of ASCII, with . _ @ + - inside; choose such a one."
            )
        challenge = new_challenge()
        self._begun.keep(visit, _Begun(challenge, name))
        return creation_options(challenge, name, [each.credential for each in self._desk.passkeys()])

    async def register(self, form: FormData, visit: str, origin: str) -> dict[str, Any] | None:
        """Take the passkey that the browser made. Where the form's passphrase signs for it, it is enrolled with that,
        and nothing is given; otherwise what a passkey is asked for: an enrolled one, or of the first key itself.
        """
        begun = self._begun.take(visit)
        made = registered(begun.challenge, origin, str(form.get("client", "")), str(form.get("attestation", "")))

        def enrolled(signer: EnrolledKey) -> Enrolled:
            self._check_name(begun.name, signer)
            return Enrolled(made.public_key, begun.name, CHANNEL, "passkey", made.credential, "", signer.public_key)

        if not self._desk.enrolled():
            first = Enrolled(made.public_key, begun.name, CHANNEL, "passkey", made.credential)
            return self._desk.draft(visit, first, [made.credential])
        if form.get("by") == "passkey":
            signer = self._desk.passkey(str(form.get("key", "")))
            return self._desk.draft(visit, enrolled(signer), [signer.credential])
        passphrase = str(form.get("passphrase", ""))
        if not passphrase:
            raise BadRequest("Somebody who is enrolled has to sign for it: type the passphrase, or use a passkey.")
        await self._desk.by_passphrase(passphrase, enrolled)
        return None

    def _check_name(self, name: str, signer: EnrolledKey) -> None:
        """Another key of somebody who is enrolled is signed by one of theirs, so that nobody is two people."""
        if name != signer.name and name in [each.name for each in self._desk.enrolled()]:
            raise BadRequest(
                f"{name} is enrolled already, and has to sign for another key of {name}; nothing was enrolled."
            )

    async def sign(self, form: FormData, visit: str) -> None:
        """Enrol the passkey with the word that was given for it."""
        await self._desk.by_passkey(visit, form, lambda content: isinstance(content, Enrolled))
