"""The dossier of one opening of the gate: what was found, as a person reads it."""

from collections.abc import Sequence
from dataclasses import dataclass

from alma_mcp.design_store import Design
from alma_mcp.dossier import Cost, Dossier, Finalist, Side
from alma_mcp.static_audit import audit
from evolve.archive import Archive
from evolve.compare import compare, detectable
from evolve.evaluation import Evaluation
from evolve.gate.decision import Decision
from evolve.gate.match import Match
from evolve.verify import asks_model, imports_of


@dataclass(frozen=True, slots=True)
class Opened:
    """The `number`-th opening of a gate, played to its end. `seconds` are those since it last went on."""

    challenger: Design
    champion: Design
    finalists: Sequence[Finalist]
    number: int
    match: Match
    decision: Decision
    objections: tuple[str, ...]
    cost: Cost
    seconds: float


def write_dossier(archive: Archive, opened: Opened, command: str) -> Dossier:
    """The evidence of an opening; `command` is what repeats it."""
    match, decision, challenger = opened.match, opened.decision, opened.challenger
    comparison = compare(match.challenger.scores, match.champion.scores, match.challenger.clusters)
    entries = {entry.id: entry for entry in archive.entries()}
    entry = entries.get(challenger.id)
    return Dossier(
        benchmark=match.challenger.benchmark,
        split="gate",
        tasks=comparison.tasks,
        planned=match.planned,
        missing=match.missing,
        challenger=_side(challenger, match.challenger),
        champion=_side(opened.champion, match.champion),
        difference=comparison.difference,
        p_value=decision.p_value,
        alpha=decision.alpha,
        minimum_effect=decision.minimum_effect,
        detectable=detectable(match.differences(list(match.challenger.scores)), decision.alpha),
        opening=opened.number,
        wins=comparison.wins,
        ties=comparison.ties,
        losses=comparison.losses,
        controls=match.challenger.controls,
        objections=opened.objections,
        verdict="failed" if opened.objections else "passed",
        finalists=tuple(opened.finalists),
        hypothesis=entry.hypothesis if entry else "",
        lineage=tuple(entries[parent].name for parent in entry.parents if parent in entries) if entry else (),
        imports=tuple(imports_of(challenger.source)),
        needs_complete=asks_model(challenger),
        cost=opened.cost,
        audit=audit(challenger.source),
        seconds=round(opened.seconds, 1),
        command=command,
    )


def _side(design: Design, evaluation: Evaluation) -> Side:
    return Side(
        design=design.id,
        name=design.name,
        idea=_idea(design),
        score=evaluation.score,
        tokens=round(evaluation.tokens, 1),
        latency_ms=round(evaluation.latency_ms(0.95), 2),
        failures=evaluation.failures,
    )


def _idea(design: Design) -> str:
    """What a design says of itself in its first line."""
    first = design.source.strip().splitlines()[0] if design.source.strip() else ""
    return first.strip('"# ')
