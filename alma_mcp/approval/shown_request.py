"""A promotion request with everything that a person is shown of it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from alma_mcp.approval.minimum_evidence import unmet
from alma_mcp.approval.rules import ApprovalRules
from alma_mcp.design_store import Design
from alma_mcp.evidence.dossier import Dossier, load_dossier
from alma_mcp.evidence.rehearsal import Rehearsal, load_rehearsal
from alma_mcp.ledger.state import Promotion

TextsOf = Callable[[Rehearsal], Awaitable[Mapping[str, Any]]]
"""Looks up the texts that a rehearsal tells of by number and id."""


async def shown_request(asked: Promotion, rules: ApprovalRules, texts: TextsOf) -> dict[str, Any]:
    """What the page of a request is made from, beside what the ledger tells of it. Raises `StoreError`."""
    dossier = load_dossier(rules.dossiers, asked.evidence)
    rehearsal = load_rehearsal(rules.dossiers, asked.report) if asked.report else None
    champion = _beside(asked, dossier, rules)
    return {
        "source": rules.store.get(asked.design, asked.name).source,
        "dossier": dossier.model_dump(mode="json"),
        "rehearsal": rehearsal and rehearsal.model_dump(mode="json"),
        "texts": await texts(rehearsal) if rehearsal else {},
        "champion": {"id": champion.id, "name": champion.name, "source": champion.source},
        "unmet": unmet(rules.settings.minimum_evidence, dossier) if asked.is_open else [],
        "doubts": rules.doubts(asked) if asked.is_open else [],
    }


def _beside(asked: Promotion, dossier: Dossier, rules: ApprovalRules) -> Design:
    """The champion that it would replace; of a request that is decided, the one that it was measured against."""
    if asked.is_open:
        return rules.standing().design
    return rules.store.get(dossier.champion.design, dossier.champion.name)
