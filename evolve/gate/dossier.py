"""The dossier of one opening of the gate: what was found, as a person reads it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from alma_mcp.design_store import Design
from alma_mcp.evidence.dossier import Cost, Dossier, Finalist, Side, SideCost
from alma_mcp.evidence.static_audit import audit
from evolve.archive import Archive
from evolve.compare import compare, detectable
from evolve.evaluation import AGENT_TOKENS, Evaluation, TaskResult
from evolve.gate.decision import Decision
from evolve.gate.evidence import ancestry, domain_results, task_results
from evolve.gate.match import Match
from evolve.verify import asks_model, imports_of

Priced = Callable[[int, int], float | None]
"""What so many tokens in and out have cost the designs, in dollars; None where the price is not known."""


def unknown_price(_tokens_in: int, _tokens_out: int) -> float | None:
    """Where nobody has said which model answers designs."""
    return None


@dataclass(frozen=True, slots=True)
class Opened:
    """The `number`-th opening of a gate, played to its end. `seconds` are those since it last went on, `agent` is who
    played where the benchmark is played by one.
    """

    challenger: Design
    champion: Design
    finalists: Sequence[Finalist]
    number: int
    match: Match
    decision: Decision
    objections: tuple[str, ...]
    cost: Cost
    seconds: float
    priced: Priced = unknown_price
    agent: str = ""


def write_dossier(archive: Archive, opened: Opened, command: str) -> Dossier:
    """The evidence of an opening; `command` is what repeats it."""
    match, decision, challenger = opened.match, opened.decision, opened.challenger
    comparison = compare(match.challenger.scores, match.champion.scores, match.challenger.clusters)
    entries = {entry.id: entry for entry in archive.entries()}
    entry = entries.get(challenger.id)
    benchmark, number = match.challenger.benchmark, opened.number
    return Dossier(
        benchmark=benchmark,
        split="gate",
        tasks=comparison.tasks,
        planned=match.planned,
        missing=match.missing,
        challenger=_side(challenger, match.challenger, opened.priced),
        champion=_side(opened.champion, match.champion, opened.priced),
        difference=comparison.difference,
        p_value=decision.p_value,
        alpha=decision.alpha,
        minimum_effect=decision.minimum_effect,
        detectable=detectable(match.differences(list(match.challenger.scores)), decision.alpha),
        opening=number,
        opening_id=archive.openings.id_of(benchmark, number),
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
        results=task_results(match),
        domains=domain_results(archive, match),
        ancestry=ancestry(archive, benchmark, challenger.id),
        agent=opened.agent if any(_counted(result) for result in match.challenger.results) else "",
        seconds=round(opened.seconds, 1),
        command=command,
    )


def _side(design: Design, evaluation: Evaluation, priced: Priced) -> Side:
    return Side(
        design=design.id,
        name=design.name,
        idea=_idea(design),
        score=evaluation.score,
        tokens=round(evaluation.tokens, 1),
        latency_ms=round(evaluation.latency_ms(0.95), 2),
        failures=evaluation.failures,
        memory_bytes=evaluation.memory_bytes or None,
        state_bytes=evaluation.state_bytes or None,
        cost=_cost(evaluation, priced),
    )


def _cost(evaluation: Evaluation, priced: Priced) -> SideCost:
    """For one play of a task; what an agent took, over the plays that an agent had."""
    plays = len(evaluation.results) or 1
    agent = [sum(result.metrics[name] for name in AGENT_TOKENS) for result in evaluation.results if _counted(result)]
    tokens = evaluation.asked_tokens_in, evaluation.asked_tokens_out
    dollars = priced(*tokens) if evaluation.asked else 0.0
    return SideCost(
        calls=round(evaluation.asked / plays, 3),
        tokens=round(sum(tokens) / plays, 1),
        dollars=None if dollars is None else round(dollars / plays, 6),
        agent_tokens=round(sum(agent) / len(agent), 1) if agent else 0.0,
    )


def _counted(result: TaskResult) -> bool:
    return all(name in result.metrics for name in AGENT_TOKENS)


def _idea(design: Design) -> str:
    """What a design says of itself in its first line."""
    first = design.source.strip().splitlines()[0] if design.source.strip() else ""
    return first.strip('"# ')
