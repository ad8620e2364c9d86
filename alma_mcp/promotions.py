"""A promotion request as a person reads it on a terminal."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table

from alma_mcp.dossier import Dossier


def listing(requests: Sequence[Mapping[str, Any]]) -> RenderableType:
    """The open requests, a line each."""
    if not requests:
        return "No promotion waits for a decision. `alma-evolve promote ID` requests one."
    table = Table("id", "design", "evidence")
    for request in requests:
        table.add_row(request["design"][:12], request["name"], request["evidence"][:12])
    return table


def page(request: Mapping[str, Any]) -> RenderableType:
    """Everything a reviewer needs: claim, evidence, cost, permissions, code."""
    dossier = Dossier.model_validate(request["dossier"])
    passed = dossier.verdict == "passed"
    verdict = "The gate PASSED" if passed else "The gate FAILED: the evidence does not support this promotion"
    return Group(
        Panel(_claim(dossier), title=f"{request['name']} ({request['design'][:12]}) for {request['champion']['name']}"),
        Panel(f"{verdict}\n\n{_found(dossier)}", border_style="green" if passed else "red", title="Evidence"),
        _beside(dossier),
        Panel(_permissions(dossier), title="What it may use"),
        Syntax(_difference(request), "diff", word_wrap=True),
    )


def _claim(dossier: Dossier) -> str:
    lineage = " from " + ", ".join(dossier.lineage) if dossier.lineage else ""
    return f"{dossier.challenger.idea}\nHypothesis: {dossier.hypothesis or 'none stated'}{lineage}"


def _found(dossier: Dossier) -> str:
    fresh = f"{dossier.tasks} tasks that the search never saw, opened for the {dossier.opening}. time"
    needed = f"p = {dossier.p_value:.5f}, needed < {dossier.alpha:.4f}, and at least {dossier.minimum_effect:g}"
    lines = [
        f"{dossier.benchmark}, {dossier.split} split: {fresh}",
        f"Difference {dossier.difference}; {needed}",
        f"Tasks won {dossier.wins}, tied {dossier.ties}, lost {dossier.losses}",
        "Controls: " + ", ".join(f"{name} {score:.3f}" for name, score in dossier.controls.items()),
        *(f"Objection: {objection}" for objection in dossier.objections),
        f"Repeat it: {dossier.command}",
    ]
    return "\n".join(lines)


def _beside(dossier: Dossier) -> Table:
    table = Table("", "challenger", "champion", title="Side by side")
    sides = (dossier.challenger, dossier.champion)
    table.add_row("score [95 %]", *(str(side.score) for side in sides))
    table.add_row("tokens returned", *(f"{side.tokens:,.0f}" for side in sides))
    table.add_row("latency p95, ms", *(f"{side.latency_ms:.1f}" for side in sides))
    table.add_row("failed tasks", *(str(side.failures) for side in sides))
    return table


def _permissions(dossier: Dossier) -> str:
    model = "asks for model completions" if dossier.needs_complete else "asks for no model completions"
    return f"Imports {', '.join(dossier.imports)}; {model}. No network, no files but its own memory, no keys."


def _difference(request: Mapping[str, Any]) -> str:
    champion = request["champion"]
    lines = difflib.unified_diff(
        champion["source"].splitlines(),
        request["source"].splitlines(),
        f"champion {champion['name']}",
        f"challenger {request['name']}",
        lineterm="",
    )
    return "\n".join(lines)


def show(renderable: RenderableType) -> None:
    """Print it, as wide as the terminal."""
    Console().print(renderable)
