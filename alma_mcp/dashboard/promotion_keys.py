"""The page of the keys that may decide, and the enrolment of a passkey on it."""

from collections.abc import Sequence
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from alma_mcp.approval.account import own_approver_name
from alma_mcp.dashboard.flash import say, visit_of
from alma_mcp.dashboard.key_enrolment import KeyEnrolment
from alma_mcp.dashboard.outcomes import answered, said
from alma_mcp.dashboard.section import Shown
from alma_mcp.dashboard.signing_desk import SigningDesk
from alma_mcp.visible_text import one_line

KEYS = "/promotions/keys"
ENROLLED = "The passkey is enrolled: it may approve and reject from now on."


def signers(desk: SigningDesk) -> dict[str, Any]:
    """Who may sign, as the templates ask for it."""
    keys, passkeys = desk.enrolled(), desk.passkeys()
    names = {each.public_key: one_line(each.name) or "(no name)" for each in keys}
    return {"keys": keys, "passkeys": passkeys, "passphrases": len(passkeys) < len(keys), "names": names}


class PromotionKeys:
    """The page and its forms. `named` are the approvers of `serve.toml`."""

    def __init__(self, desk: SigningDesk, enrolment: KeyEnrolment, named: Sequence[str]) -> None:
        self._desk = desk
        self._enrolment = enrolment
        self._named = named

    async def show(self, _: Request) -> Shown:
        """Who may decide, and how another one comes to."""
        return Shown("promotion_keys.html", {**signers(self._desk), "named": self._named, "own": own_approver_name()})

    async def begin(self, request: Request, form: FormData) -> Response:
        """Tell the browser what passkey to make."""

        async def begun() -> dict[str, Any]:
            return self._enrolment.begin(form, visit_of(request).id)

        return await answered(begun())

    async def register(self, request: Request, form: FormData) -> Response:
        """Take the passkey that was made, and say who has to sign for it."""

        async def registered() -> dict[str, Any]:
            wanted = await self._enrolment.register(form, visit_of(request).id, request.headers["origin"])
            if wanted is None:
                say(request, ENROLLED)
                return {"done": KEYS}
            return wanted

        return await answered(registered())

    async def sign(self, request: Request, form: FormData) -> str:
        """Enrol it with a passkey's word."""

        async def signed() -> str:
            await self._enrolment.sign(form, visit_of(request).id)
            return ENROLLED

        return await said(request, signed(), KEYS)
