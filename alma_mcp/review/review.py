"""The page that a person decides a promotion by: one content for the terminal and for the dashboard."""

from collections.abc import Mapping
from typing import Any

from alma_mcp.evidence.dossier import Dossier
from alma_mcp.review.beside import beside_of
from alma_mcp.review.code import audit_of, code_of, lineage_of, permissions_of
from alma_mcp.review.gate import controls_of, domains_of, figures_of, gate_of, tasks_of
from alma_mcp.review.parts import Part, Review, Table
from alma_mcp.review.request import Asked, check_shown
from alma_mcp.review.shadow import shadow_of
from alma_mcp.review.times import when
from alma_mcp.review.verdict import doubts, verdict_of
from alma_mcp.visible_text import one_line

__all__ = ["Review", "check_shown", "doubts", "review_of"]

STATES = {
    "requested": "Requested; the rehearsal with this home's memories has not begun.",
    "building": "Building: it is being rehearsed with this home's memories. It can be approved once that is done.",
    "ready": "Ready: it was rehearsed, and waits for a person.",
    "approved": "Approved: it takes over as soon as it has caught up.",
    "live": "Live: it answers now.",
    "replaced": "It was live, until another design followed it.",
    "rolled_back": "It was live, and was rolled back.",
    "rejected": "Rejected.",
    "expired": "Expired: it cannot be decided any more.",
}


def review_of(request: Mapping[str, Any]) -> Review:
    """The page of a request as the engine tells it. Raises `ChainBroken` for what is no request."""
    asked = Asked.of(request)
    dossier = asked.dossier
    return Review(
        request=asked.request,
        title=asked.title,
        short=asked.short,
        champion=asked.champion_title,
        verdict=verdict_of(asked),
        claim=_claim(dossier),
        gate=gate_of(dossier),
        figures=figures_of(dossier),
        domains=domains_of(dossier),
        controls=controls_of(dossier),
        shadow=shadow_of(asked),
        beside=beside_of(asked),
        audit=audit_of(asked),
        permissions=permissions_of(asked),
        lineage=lineage_of(dossier),
        code=code_of(asked),
        tasks=tasks_of(dossier),
        states=_states(asked),
        hashes=_hashes(asked),
        commands=_commands(asked),
    )


def _claim(dossier: Dossier) -> Part:
    hypothesis = one_line(dossier.hypothesis) or "none stated"
    return Part("What it claims", (one_line(dossier.challenger.idea), f"Hypothesis: {hypothesis}"))


def _states(asked: Asked) -> Part:
    so_far = f"{len(asked.approvals)} of {asked.needed} approvals."
    words = [
        f"Approved by {one_line(each.by)} through {one_line(each.channel)}, {when(each.at)}."
        for each in asked.approvals
    ]
    by = f" by {one_line(asked.requested_by)}" if asked.requested_by else ""
    requested = [f"Requested{by}, {when(asked.requested_at)}."] if asked.requested_at else []
    reason = [f"{one_line(asked.reason).rstrip('.')}."] if asked.reason else []
    return Part(
        "Where it stands", (STATES.get(asked.state, one_line(asked.state)), *reason, *requested, so_far, *words)
    )


def _hashes(asked: Asked) -> Part:
    rows = [("design", asked.design), ("evidence", asked.evidence), ("rehearsal", asked.report or "none yet")]
    lines = ("An approval is of exactly these bytes. If one of them changes it is void.",)
    return Part("Hashes", lines, Table(("bytes of the", "SHA-256"), tuple(rows)))


def _commands(asked: Asked) -> Part:
    return Part(
        "Again",
        (
            f"Repeat the measurement: {one_line(asked.dossier.command)}",
            f"This page on a terminal: alma-mcp promotions show {asked.short}",
            "Poison suite: none yet. Nobody has measured what it does with memories that want to mislead.",
        ),
    )
