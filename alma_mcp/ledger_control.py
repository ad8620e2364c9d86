"""What the control channel may ask of the ledger. The engine alone writes it; a person's command signs."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from alma_mcp.champion_ledger import ChampionLedger
from alma_mcp.control import Handler
from alma_mcp.design_store import MAX_SOURCE_BYTES, Design, DesignStore
from alma_mcp.dossier import Dossier, load_dossier
from alma_mcp.errors import BadRequest, NotApprovable
from alma_mcp.ledger_rows import Approved, Enrolled, Rejected, Requested, RolledBack, parse_row

LONGEST_NAME = 100


def ledger_handlers(
    ledger: ChampionLedger, store: DesignStore, dossiers: Path, changed: Callable[[], None]
) -> dict[str, Handler]:
    """The requests by name. `changed` is called when the champion may have changed; it must not block."""

    async def head(_: Mapping[str, Any]) -> dict[str, Any]:
        row = ledger.draft(RolledBack(""))
        return {"sequence": row.sequence, "previous": row.previous, "public_key": ledger.public_key}

    async def requests(_: Mapping[str, Any]) -> dict[str, Any]:
        asked = ledger.requests().items()
        return {"requests": [{"request": number, **_request(each)} for number, each in asked]}

    async def find(params: Mapping[str, Any]) -> dict[str, Any]:
        number = ledger.find_request(_text(params, "reference"))
        return {"request": number, **_request(ledger.requests()[number])}

    async def show(params: Mapping[str, Any]) -> dict[str, Any]:
        found = await find(params)
        dossier = load_dossier(dossiers, found["evidence"])
        champion = store.get(ledger.champion())
        return {
            **found,
            "source": store.get(found["design"], found["name"]).source,
            "dossier": dossier.model_dump(mode="json"),
            "champion": {"id": champion.id, "name": champion.name, "source": champion.source},
        }

    async def request(params: Mapping[str, Any]) -> dict[str, Any]:
        design = _design(params)
        dossier = _dossier(params)
        if dossier.challenger.design != design.id:
            raise NotApprovable("The dossier is about another design than the one it came with.")
        store.add(design)
        dossier.save(dossiers)
        row = await ledger.record(Requested(design.id, design.name, dossier.evidence))
        return {"request": row.sequence, "short": design.short}

    async def append(params: Mapping[str, Any]) -> dict[str, Any]:
        row = parse_row(_text(params, "body"), _text(params, "signature"))
        if not isinstance(row.content, Approved | Rejected | Enrolled):
            raise NotApprovable(f"A row of kind {row.content.kind} is written by the engine alone.")
        check_evidence(row.content, store, dossiers)
        await ledger.append(row)
        changed()
        return {"sequence": row.sequence}

    async def roll_back(_: Mapping[str, Any]) -> dict[str, Any]:
        design = store.get(ledger.previous())
        await ledger.roll_back()
        changed()
        return {"id": design.id, "name": design.name}

    return {
        "ledger.head": head,
        "ledger.append": append,
        "ledger.roll_back": roll_back,
        "promotions.list": requests,
        "promotions.find": find,
        "promotions.show": show,
        "promotions.request": request,
    }


def check_evidence(decision: Approved | Rejected | Enrolled, store: DesignStore, dossiers: Path) -> None:
    """An approval is void when the design's or the dossier's bytes are gone or changed. Raises `StoreError`."""
    if isinstance(decision, Approved):
        store.get(decision.design)
        load_dossier(dossiers, decision.evidence)


def _request(asked: Requested) -> dict[str, str]:
    return {"design": asked.design, "name": asked.name, "evidence": asked.evidence}


def _text(params: Mapping[str, Any], name: str) -> str:
    value = params.get(name)
    if not isinstance(value, str):
        raise BadRequest(f"The request needs a text {name!r}.")
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
