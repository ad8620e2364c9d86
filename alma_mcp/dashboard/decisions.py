"""Approving and rejecting in the dashboard: what a form asks for, whether it may, and the row that says so."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from starlette.datastructures import FormData

from alma_mcp.control import Handler
from alma_mcp.dashboard.signing_desk import CHANNEL, Signed, SigningDesk
from alma_mcp.errors import BadRequest, NotApprovable
from alma_mcp.ledger.rows import Approved, Rejected
from alma_mcp.ledger.state import EnrolledKey
from alma_mcp.review.request import Asked
from alma_mcp.review.review import check_shown, doubts


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person decided, by the id that was typed, on the page with the state `read`; `against` the evidence, where
    that was said in a second step.
    """

    decision: Literal["approve", "reject"]
    typed: str
    against: bool
    read: str

    @classmethod
    def of(cls, form: FormData) -> Self:
        """Raises `BadRequest` where it is neither."""
        decision = form.get("decision")
        if decision not in ("approve", "reject"):
            raise BadRequest("Approve it or reject it; nothing was decided.")
        typed = str(form.get("typed", "")).strip().lower()
        return cls(
            "approve" if decision == "approve" else "reject",
            typed,
            form.get("against") == "yes",
            str(form.get("read", "")),
        )


def state_of(asked: Asked) -> str:
    """What a page of this request was made from: a decision is about just that."""
    return ".".join((asked.evidence, asked.report, asked.champion.id))


class Decisions:
    """Decides the requests of one home."""

    def __init__(self, handlers: Mapping[str, Handler], desk: SigningDesk) -> None:
        self._handlers = handlers
        self._desk = desk

    async def by_passphrase(self, request: int, form: FormData) -> str:
        """Decide it with the passphrase of the form; gives a sentence on what came of it."""
        wanted = Wanted.of(form)
        asked = await self._allowed(request, wanted)
        passphrase = str(form.get("passphrase", ""))
        if not passphrase:
            raise BadRequest("Type your passphrase, or use a passkey; nothing was decided.")
        return _told(asked, await self._desk.by_passphrase(passphrase, lambda key: _content(asked, wanted, key)))

    async def draft(self, request: int, form: FormData, visit: str) -> dict[str, Any]:
        """What the browser asks a passkey for."""
        wanted = Wanted.of(form)
        asked = await self._allowed(request, wanted)
        key = self._desk.passkey(str(form.get("key", "")))
        return self._desk.draft(visit, _content(asked, wanted, key), [key.credential])

    async def by_passkey(self, request: int, form: FormData, visit: str) -> str:
        """Decide it with the word that a passkey gave for the draft; gives a sentence on what came of it."""
        asked = await self._shown(request)
        return _told(asked, await self._desk.by_passkey(visit, form, lambda content: _is_about(content, request)))

    async def _allowed(self, request: int, wanted: Wanted) -> Asked:
        """The request, where the person may decide about it so. Raises `BadRequest`."""
        told = await self._handlers["promotions.show"]({"request": request})
        check_shown(told)
        asked = Asked.of(told)
        if wanted.typed != asked.short:
            raise BadRequest(f"The id that you typed is not {asked.short}; nothing was decided.")
        if wanted.read != state_of(asked):
            raise BadRequest(
                "The evidence or the champion changed since you loaded the page; load it again and read it."
            )
        if wanted.decision == "approve" and asked.unmet:
            raise BadRequest(" ".join(asked.unmet))
        if wanted.decision == "approve" and not wanted.against and (found := doubts(told)):
            raise BadRequest(f"{found[0]} To approve it all the same takes another step; nothing was decided.")
        return asked

    async def _shown(self, request: int) -> Asked:
        return Asked.of(await self._handlers["promotions.show"]({"request": request}))


def _content(asked: Asked, wanted: Wanted, key: EnrolledKey) -> Signed:
    if wanted.decision == "reject":
        return Rejected(asked.request, key.name, CHANNEL, key.public_key)
    if key.name and key.name in [each.by for each in asked.approvals]:
        raise NotApprovable(f"{key.name} has approved it already; it needs another approver as well.")
    return Approved(
        asked.design, asked.evidence, asked.request, key.name, CHANNEL, asked.report, key.public_key
    )  # fmt: skip


def _is_about(content: Signed, request: int) -> bool:
    return isinstance(content, Approved | Rejected) and content.request == request


def _told(asked: Asked, answer: Mapping[str, Any]) -> str:
    given, needed = len(answer["approvals"]), answer["needed"]
    if answer["state"] == "rejected":
        return f"Rejected: {asked.title} is not promoted."
    if given < needed:
        return (
            f"Your approval of {asked.title} counts: {given} of {needed}. It takes over once the others have approved."
        )
    return f"Approved: {asked.title} takes over as soon as it has caught up. The section Champion shows when."
