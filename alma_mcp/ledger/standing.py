"""Which design may serve: the newest champion whose code and evidence are still what was approved."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alma_mcp.design_store import Design, DesignStore
from alma_mcp.errors import StoreError
from alma_mcp.ledger.champion_ledger import ChampionLedger
from alma_mcp.ledger.state import Champion, Promotion
from alma_mcp.visible_text import one_line


@dataclass(frozen=True, slots=True)
class Standing:
    """The design that may serve, and why those after it may not, a sentence each."""

    design: Design
    void: Sequence[str] = ()


def standing(
    ledger: ChampionLedger, store: DesignStore, dossiers: Path, champions: Sequence[Champion] | None = None
) -> Standing:
    """The newest champion (of these, or of all) whose approval still holds.

    Raises `StoreError` where even the first one is gone.
    """
    promotions = ledger.promotions()
    void: list[tuple[str, StoreError]] = []
    for champion in ledger.champions() if champions is None else champions:
        promotion = promotions.get(champion.request)
        try:
            design = _approved(champion, promotion, store, dossiers)
        except StoreError as problem:
            void.append((promotion.name if promotion else champion.design[:12], problem))
        else:
            return Standing(design, [_told(name, problem, design) for name, problem in void])
    raise void[0][1]


def _approved(champion: Champion, promotion: Promotion | None, store: DesignStore, dossiers: Path) -> Design:
    """The design of a champion. Raises `StoreError` where its code, its dossier or its rehearsal are not the same."""
    design = store.get(champion.design, promotion.name if promotion else "")
    if promotion is not None:
        _check_bytes(dossiers, promotion.evidence, "dossier")
        if promotion.report:
            _check_bytes(dossiers, promotion.report, "rehearsal")
    return design


def _check_bytes(folder: Path, digest: str, what: str) -> None:
    """A file of evidence is what it was, whichever version of ours wrote it. Raises `StoreError`."""
    try:
        data = (folder / f"{digest}.json").read_bytes()
    except OSError as error:
        raise StoreError(f"The {what} {digest[:12]} is missing.") from error
    if hashlib.sha256(data).hexdigest() != digest:
        raise StoreError(f"The {what} {digest[:12]} was changed after it was approved.")


def _told(name: str, problem: StoreError, instead: Design) -> str:
    reason = str(problem).rstrip(".")
    return (
        f"the approval of {one_line(name)} is void and {one_line(instead.name)} serves in its place:"
        f" {reason[:1].lower()}{reason[1:]}."
    )
