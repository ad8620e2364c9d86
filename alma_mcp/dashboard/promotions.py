"""The section Promotions: what waits for a person, the page that it is decided by, and the keys that may decide."""

import functools
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from alma_mcp.approval.key_files import KeyFiles
from alma_mcp.approval.rules import ApprovalRules
from alma_mcp.control import Handler
from alma_mcp.dashboard import drawings
from alma_mcp.dashboard.decisions import Decisions, state_of
from alma_mcp.dashboard.flash import visit_of
from alma_mcp.dashboard.highlight import diff, python
from alma_mcp.dashboard.key_enrolment import KeyEnrolment
from alma_mcp.dashboard.outcomes import answered, said
from alma_mcp.dashboard.promotion_keys import KEYS, PromotionKeys, signers
from alma_mcp.dashboard.promotion_rows import PromotionRows
from alma_mcp.dashboard.section import Section, Shown
from alma_mcp.dashboard.signing_desk import CHANNEL, SigningDesk
from alma_mcp.design_store import SHORT
from alma_mcp.errors import NotApprovable, StoreError
from alma_mcp.home import Home
from alma_mcp.ledger.state import Champion
from alma_mcp.review.parts import Review
from alma_mcp.review.request import Asked
from alma_mcp.review.review import check_shown, doubts, review_of
from alma_mcp.visible_text import one_line

TEMPLATES = Path(__file__).parent / "templates"
PATH = "/promotions"
ONE = PATH + "/{request:int}"


def promotions_section(
    handlers: Mapping[str, Handler], rules: ApprovalRules, home: Home, clock: Callable[[], float] = time.time
) -> Section:
    """The section. `handlers` are the engine's requests about the ledger; `clock` gives seconds since the epoch."""
    desk = SigningDesk(handlers, rules.ledger, KeyFiles(home), clock)
    page = _Promotions(handlers, rules, desk)
    keys = PromotionKeys(desk, KeyEnrolment(desk, clock), rules.settings.approvers)
    return Section(
        title="Promotions",
        path=PATH,
        templates=TEMPLATES,
        views={PATH: page.show, KEYS: keys.show, ONE: page.show_one, ONE + "/against": page.show_against},
        actions={
            ONE + "/decide": page.decide,
            ONE + "/draft": page.draft,
            ONE + "/sign": page.sign,
            PATH + "/rollback": page.roll_back,
            KEYS + "/begin": keys.begin,
            KEYS + "/register": keys.register,
            KEYS + "/sign": keys.sign,
        },
        badge=lambda: str(len(rules.ledger.requests()) or ""),
    )


class _Promotions:
    def __init__(self, handlers: Mapping[str, Handler], rules: ApprovalRules, desk: SigningDesk) -> None:
        self._handlers = handlers
        self._rules = rules
        self._rows = PromotionRows(rules)
        self._desk = desk
        self._decisions = Decisions(handlers, desk)

    async def show(self, _: Request) -> Shown:
        """What waits, what was decided, and the way back."""
        values = {"waiting": self._rows.waiting(), "decided": self._rows.decided(), "keys": self._desk.enrolled()}
        return Shown("promotions.html", {**values, **self._champions()})

    async def show_one(self, request: Request) -> Shown:
        """The page that one is decided by."""
        told = await self._told(request)
        asked = Asked.of(told)
        return Shown("promotion.html", {**self._deciding(told, asked), **_drawn(review_of(told))})

    async def show_against(self, request: Request) -> Shown:
        """The second step: approving although the evidence says no."""
        told = await self._told(request)
        values = {**self._deciding(told, Asked.of(told)), "verdict": review_of(told).verdict}
        return Shown("promotion_against.html", values)

    async def decide(self, request: Request, form: FormData) -> str:
        """By passphrase."""
        number = request.path_params["request"]
        return await said(request, self._decisions.by_passphrase(number, form), f"{PATH}/{number}")

    async def draft(self, request: Request, form: FormData) -> Response:
        """Tell the browser what to ask a passkey for."""
        number = request.path_params["request"]
        return await answered(self._decisions.draft(number, form, visit_of(request).id))

    async def sign(self, request: Request, form: FormData) -> str:
        """By passkey."""
        number = request.path_params["request"]
        done = self._decisions.by_passkey(number, form, visit_of(request).id)
        return await said(request, done, f"{PATH}/{number}")

    async def roll_back(self, request: Request, form: FormData) -> str:
        """Back to the champion before, if it is still the one that the page named."""
        return await said(request, self._roll_back(str(form.get("to", ""))), PATH)

    async def _told(self, request: Request) -> dict[str, Any]:
        told = await self._handlers["promotions.show"]({"request": request.path_params["request"]})
        check_shown(told)
        return told

    def _deciding(self, told: Mapping[str, Any], asked: Asked) -> dict[str, Any]:
        is_open = asked.state in ("requested", "building", "ready")
        doubtful = bool(doubts(told)) if is_open else False
        return {
            "asked": asked, "read": state_of(asked), "open": is_open, "doubtful": doubtful,
            "approvable": is_open and asked.state == "ready" and not asked.unmet, **signers(self._desk),
        }  # fmt: skip

    def _champions(self) -> dict[str, Any]:
        """What may serve now, and what a rollback brings back."""
        now, *before = self._rules.ledger.champions()[:2]
        return {
            "now_live": self._name(now),
            "before": self._name(before[0]) if before else "",
            "back_to": before[0].design if before else "",
        }

    def _name(self, champion: Champion) -> str:
        promotion = self._rules.ledger.promotions().get(champion.request)
        try:
            name = self._rules.store.get(champion.design, promotion.name if promotion else "").name
        except StoreError:
            name = ""
        return one_line(name) or champion.design[:SHORT]

    async def _roll_back(self, to: str) -> str:
        if self._rules.ledger.previous() != to:
            raise NotApprovable("Another design is champion by now; nothing was rolled back. Look again.")
        answer = await self._handlers["ledger.roll_back"]({"channel": CHANNEL})
        return f"Rolled back: {one_line(answer['name']) or answer['id'][:12]} answers again. Everything learnt is kept."


def _drawn(review: Review) -> dict[str, Any]:
    """The page, with what is drawn of it and its code as HTML; functions, since much of it may be long."""
    own = [each.difference for each in review.domains]
    scale = drawings.Scale.over(own)
    code = review.code
    return {
        "review": review,
        "difference": drawings.difference(review.figures),
        "outcomes": drawings.outcomes(review.figures),
        "domain": functools.partial(drawings.domain, scale=scale),
        "score": drawings.score,
        "changes": diff(code.old, code.new, code.old_name, code.new_name),
        "whole": python(code.new),
    }
