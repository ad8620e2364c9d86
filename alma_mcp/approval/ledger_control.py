"""What the control channel may ask of the ledger. The engine alone writes it; a person's command signs."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from pydantic import ValidationError

from alma_mcp.approval.account import account_name
from alma_mcp.approval.rules import ApprovalRules
from alma_mcp.approval.shown_request import TextsOf, shown_request
from alma_mcp.control import Handler
from alma_mcp.design_store import MAX_SOURCE_BYTES, Design
from alma_mcp.errors import BadRequest, NotApprovable
from alma_mcp.evidence.dossier import Dossier
from alma_mcp.ledger.rows import Approved, Enrolled, Rejected, Requested, RolledBack, parse_row
from alma_mcp.ledger.state import Promotion
from alma_mcp.review.texts import no_texts

LONGEST_NAME = 100


def ledger_handlers(rules: ApprovalRules, changed: Callable[[], None], texts: TextsOf = no_texts) -> dict[str, Handler]:
    """The requests by name. `changed` is called when the champion may have changed; it must not block.

    `texts` looks up what a rehearsal tells of by number and id.
    """
    return {**_reading(rules, texts), **_writing(rules, changed)}


def _reading(rules: ApprovalRules, texts: TextsOf) -> dict[str, Handler]:
    ledger = rules.ledger

    async def head(_: Mapping[str, Any]) -> dict[str, Any]:
        row = ledger.draft(RolledBack(""))
        keys = [each.public_key for each in ledger.enrolled_keys()]
        return {"sequence": row.sequence, "previous": row.previous, "keys": keys}

    async def approvers(_: Mapping[str, Any]) -> dict[str, Any]:
        named = list(rules.settings.approvers)
        return {"keys": [asdict(each) for each in ledger.enrolled_keys()], "named": named}

    async def requests(_: Mapping[str, Any]) -> dict[str, Any]:
        return {"requests": [_request(each, rules) for each in ledger.requests().values()]}

    async def find(params: Mapping[str, Any]) -> dict[str, Any]:
        return _request(ledger.requests()[ledger.find_request(_text(params, "reference"))], rules)

    async def state(params: Mapping[str, Any]) -> dict[str, Any]:
        asked = ledger.promotions().get(_number(params, "request"))
        if asked is None:
            raise NotApprovable("There is no such promotion request; `alma-mcp promotions list` shows them.")
        return _request(asked, rules)

    async def show(params: Mapping[str, Any]) -> dict[str, Any]:
        found = await (state(params) if "request" in params else find(params))
        return {**found, **await shown_request(ledger.promotions()[found["request"]], rules, texts)}

    return {
        "ledger.head": head,
        "approvers.list": approvers,
        "promotions.list": requests,
        "promotions.find": find,
        "promotions.state": state,
        "promotions.show": show,
    }


def _writing(rules: ApprovalRules, changed: Callable[[], None]) -> dict[str, Handler]:
    ledger, store = rules.ledger, rules.store

    async def request(params: Mapping[str, Any]) -> dict[str, Any]:
        design = _design(params)
        dossier = _dossier(params)
        if dossier.challenger.design != design.id:
            raise NotApprovable("The dossier is about another design than the one it came with.")
        if design.id == rules.standing().design.id:
            raise NotApprovable(f"{design.name} is the champion already; there is nothing to promote.")
        store.add(design)
        dossier.save(rules.dossiers)
        asked = Requested(design.id, design.name, dossier.evidence, account_name(), "control", rules.settings.needed)
        row = await ledger.record(asked)
        changed()
        return {"request": row.sequence, "short": design.short}

    async def append(params: Mapping[str, Any]) -> dict[str, Any]:
        row = parse_row(_text(params, "body"), _text(params, "signature"))
        if not isinstance(row.content, Approved | Rejected | Enrolled):
            raise NotApprovable(f"A row of kind {row.content.kind} is written by the engine alone.")
        rules.check(row.content)
        await ledger.append(row)
        changed()
        if isinstance(row.content, Enrolled):
            return {"sequence": row.sequence}
        return {"sequence": row.sequence, **_request(ledger.promotions()[row.content.request], rules)}

    async def roll_back(params: Mapping[str, Any]) -> dict[str, Any]:
        design = store.get(ledger.previous())
        await ledger.roll_back(account_name(), "dashboard" if params.get("channel") == "dashboard" else "control")
        changed()
        return {"id": design.id, "name": design.name}

    return {"ledger.append": append, "ledger.roll_back": roll_back, "promotions.request": request}


def _request(asked: Promotion, rules: ApprovalRules) -> dict[str, Any]:
    """A promotion as a person's command is told of it; `progress` is how far its rehearsal is, or None."""
    return {
        "request": asked.request,
        "design": asked.design,
        "name": asked.name,
        "evidence": asked.evidence,
        "report": asked.report,
        "state": asked.state,
        "reason": asked.reason,
        "requested_by": asked.requested_by,
        "requested_at": asked.requested_at,
        "needed": asked.needed,
        "approvals": [{"by": each.by, "channel": each.channel, "at": each.at} for each in asked.approvals],
        "progress": rules.rehearsing(asked.request),
    }


def _text(params: Mapping[str, Any], name: str) -> str:
    value = params.get(name)
    if not isinstance(value, str):
        raise BadRequest(f"The request needs a text {name!r}.")
    return value


def _number(params: Mapping[str, Any], name: str) -> int:
    value = params.get(name)
    if type(value) is not int:
        raise BadRequest(f"The request needs a number {name!r}.")
    return value


def _design(params: Mapping[str, Any]) -> Design:
    source, name = _text(params, "source"), _text(params, "name")
    if not name.isprintable() or len(name) > LONGEST_NAME:
        raise BadRequest(f"A design's name is one printable line of at most {LONGEST_NAME} characters.")
    try:
        size = len(source.encode())
    except UnicodeEncodeError as error:
        raise BadRequest("The design's source is not text: it holds a lone surrogate.") from error
    if size > MAX_SOURCE_BYTES:
        raise BadRequest(f"The design has {size:,} bytes; a design has at most {MAX_SOURCE_BYTES:,}.")
    return Design(source, name)


def _dossier(params: Mapping[str, Any]) -> Dossier:
    try:
        return Dossier.model_validate(params.get("dossier"))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise BadRequest(f"The dossier is not one: {field or 'it'}: {first['msg']}.") from error
