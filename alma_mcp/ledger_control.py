"""What the control channel may ask of the ledger. The engine alone writes it; a person's command signs."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from alma_mcp.champion_ledger import ChampionLedger
from alma_mcp.control import Handler
from alma_mcp.design_store import Design, DesignStore
from alma_mcp.dossier import Dossier, load_dossier
from alma_mcp.errors import NotApprovable
from alma_mcp.ledger_rows import Approved, Requested, RolledBack, parse_row


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

    async def show(params: Mapping[str, Any]) -> dict[str, Any]:
        number = ledger.find_request(params["reference"])
        asked = ledger.requests()[number]
        dossier = load_dossier(dossiers, asked.evidence)
        champion = store.get(ledger.champion())
        return {
            "request": number,
            **_request(asked),
            "source": store.get(asked.design, asked.name).source,
            "dossier": dossier.model_dump(mode="json"),
            "champion": {"id": champion.id, "name": champion.name, "source": champion.source},
        }

    async def request(params: Mapping[str, Any]) -> dict[str, Any]:
        design = Design(params["source"], params["name"])
        dossier = Dossier.model_validate(params["dossier"])
        if dossier.challenger.design != design.id:
            raise NotApprovable("The dossier is about another design than the one it came with.")
        store.add(design)
        dossier.save(dossiers)
        row = ledger.draft(Requested(design.id, design.name, dossier.evidence))
        await ledger.append(row)
        return {"request": row.sequence, "short": design.short}

    async def append(params: Mapping[str, Any]) -> dict[str, Any]:
        row = parse_row(params["body"], params["signature"])
        if isinstance(row.content, Approved):
            store.get(row.content.design)
            load_dossier(dossiers, row.content.evidence)
        await ledger.append(row)
        changed()
        return {"sequence": row.sequence}

    async def roll_back(_: Mapping[str, Any]) -> dict[str, Any]:
        design = store.get(ledger.previous())
        await ledger.append(ledger.draft(RolledBack(design.id)))
        changed()
        return {"id": design.id, "name": design.name}

    return {
        "ledger.head": head,
        "ledger.append": append,
        "ledger.roll_back": roll_back,
        "promotions.list": requests,
        "promotions.show": show,
        "promotions.request": request,
    }


def _request(asked: Requested) -> dict[str, str]:
    return {"design": asked.design, "name": asked.name, "evidence": asked.evidence}
