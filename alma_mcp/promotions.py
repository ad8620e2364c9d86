"""A promotion request as a person reads it on a terminal.

Names, ideas and sources may have been written by a model that wants to be approved: they are shown
as plain text, with every character spelled out that a terminal would obey or that would reorder a line.
"""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from alma_mcp.design_store import Design
from alma_mcp.dossier import Dossier
from alma_mcp.errors import ChainBroken
from alma_mcp.static_audit import Audit, audit
from alma_mcp.visible_text import one_line, visible

__all__ = ["check_shown", "doubts", "listing", "one_line", "page", "show"]

SHOWN = 8


def listing(requests: Sequence[Mapping[str, Any]]) -> RenderableType:
    """The open requests, a line each."""
    if not requests:
        return "No promotion waits for a decision. `alma-evolve promote ID` requests one."
    table = Table("id", "design", "evidence")
    for request in requests:
        table.add_row(request["design"][:12], Text(one_line(request["name"])), request["evidence"][:12])
    return table


def check_shown(request: Mapping[str, Any]) -> None:
    """What is read is what is signed. Raises `ChainBroken` when code or dossier are not the request's."""
    source_holds = Design(request["source"]).id == request["design"]
    if not source_holds or Dossier.model_validate(request["dossier"]).evidence != request["evidence"]:
        raise ChainBroken("The engine showed other code or evidence than was requested; nothing was decided.")


def doubts(request: Mapping[str, Any]) -> list[str]:
    """Why the evidence does not carry this promotion, a sentence each; none where it does."""
    dossier = Dossier.model_validate(request["dossier"])
    found = []
    if dossier.verdict != "passed":
        found.append("The gate FAILED: the evidence does not support this promotion.")
    if dossier.champion.design != request["champion"]["id"]:
        measured, live = one_line(dossier.champion.name), one_line(request["champion"]["name"])
        found.append(f"It was measured against {measured}, which is not the champion now ({live} is).")
    if dossier.audit is not None and dossier.audit != audit(request["source"]):
        found.append("The audit in the dossier is not what this code shows; request the promotion again.")
    return found


def page(request: Mapping[str, Any]) -> RenderableType:
    """Everything a reviewer needs: what speaks against it, claim, evidence, cost, permissions, code."""
    dossier, seen = Dossier.model_validate(request["dossier"]), audit(request["source"])
    against = _against(request, dossier, seen)
    name, champion = one_line(request["name"]), one_line(request["champion"]["name"])
    title = Text(f"{name} ({request['design'][:12]}) for {champion}")
    told = Text("\n".join(against) or "Nothing speaks against it. The gate PASSED, and its code shows nothing serious.")
    return Group(
        Panel(told, border_style="red" if against else "green", title=title),
        Panel(Text(_claim(dossier)), title="What it claims"),
        Panel(Text(_found(dossier)), title="Evidence"),
        _beside(dossier),
        Panel(Text(_seen(seen)), title="What its code shows"),
        Panel(Text(_permissions(dossier)), title="What it may use"),
        Syntax(_difference(request), "diff", word_wrap=True),
    )


def _against(request: Mapping[str, Any], dossier: Dossier, seen: Audit) -> list[str]:
    """What speaks against it, a line each: what the gate objected to, the doubts, and what the code shows."""
    said = [f"{each}." for each in dossier.objections] + [_lower(each) for each in doubts(request)]
    places = [str(each) for each in seen.serious]
    code = [f"its code, {_lower(place)}" for place in places[:SHOWN]]
    if len(places) + seen.left_out > SHOWN:
        code.append(f"its code, at {len(places) + seen.left_out - SHOWN:,} more places: see below.")
    lines = [f"AGAINST IT: {one_line(each)}" for each in [*said, *code]]
    if lines and dossier.verdict == "passed":
        lines.append("For it: the gate found a gain, and had no objection of its own.")
    return lines


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _claim(dossier: Dossier) -> str:
    lineage = " from " + ", ".join(dossier.lineage) if dossier.lineage else ""
    hypothesis = one_line(f"Hypothesis: {dossier.hypothesis or 'none stated'}{lineage}")
    return f"{one_line(dossier.challenger.idea)}\n{hypothesis}"


def _found(dossier: Dossier) -> str:
    fresh = f"{dossier.tasks} tasks that the search never saw, opened for the {dossier.opening}. time"
    needed = f"p = {dossier.p_value:.5f}, needed < {dossier.alpha:.4f}, and at least {dossier.minimum_effect:g}"
    lines = [
        f"{dossier.benchmark}, {dossier.split} split: {fresh}",
        f"Difference {dossier.difference}; {needed}",
        f"Tasks won {dossier.wins}, tied {dossier.ties}, lost {dossier.losses}",
        *_reach(dossier),
        "Controls: " + ", ".join(f"{name} {score:.3f}" for name, score in dossier.controls.items()),
        f"Repeat it: {dossier.command}",
    ]
    return "\n".join(one_line(line) for line in lines)


def _reach(dossier: Dossier) -> list[str]:
    """What could have been found, of what it was found, and what that cost; nothing where an older dossier lacks it."""
    found = []
    if dossier.detectable is not None:
        found.append(f"So many tasks show a difference of {dossier.detectable:.3f} in four of five cases")
    if dossier.planned:
        found.append(f"Tasks compared {dossier.tasks} of {dossier.planned}; plays missing in pairs {dossier.missing}")
    if dossier.finalists:
        scores = ", ".join(f"{each.name} {each.score:.3f}" for each in dossier.finalists)
        found.append(f"Chosen before the gate opened, by validation, from: {scores}")
    if cost := dossier.cost:
        agent = f"{cost.episodes:,} of them by an agent with {cost.agent_tokens:,} tokens"
        design = f"the designs asked a model {cost.design_calls:,} times, {cost.design_tokens:,} tokens"
        found.append(f"Cost: {cost.plays:,} plays with controls, {agent}; {design}; {dossier.seconds:,.0f} s")
    return found


def _beside(dossier: Dossier) -> Table:
    table = Table("", "challenger", f"champion {dossier.champion.design[:12]}", title="Side by side")
    sides = (dossier.challenger, dossier.champion)
    table.add_row("score [95 %]", *(str(side.score) for side in sides))
    table.add_row("tokens returned", *(f"{side.tokens:,.0f}" for side in sides))
    table.add_row("latency p95, ms", *(f"{side.latency_ms:.1f}" for side in sides))
    table.add_row("failed tasks", *(str(side.failures) for side in sides))
    return table


def _seen(seen: Audit) -> str:
    """The audit of the code as it stands here, whatever the dossier says of it."""
    worst = f"; worst function {seen.worst}, complexity {seen.complexity}" if seen.worst else ""
    model = "asks a model" if seen.asks_model else "asks no model"
    figures = f"{seen.lines:,} lines, {seen.statements:,} statements{worst}"
    lines = [
        f"{figures}; {seen.texts:,} characters of literal texts; {model}.",
        *(f"Serious. {each}" for each in seen.serious),
        *(f"Worth a look. {each}" for each in seen.notes),
        *([f"And {seen.left_out:,} more places."] if seen.left_out else []),
    ]
    return "\n".join(one_line(line) for line in lines)


def _permissions(dossier: Dossier) -> str:
    model = "asks for model completions" if dossier.needs_complete else "asks for no model completions"
    imports = one_line(", ".join(dossier.imports))
    return f"Imports {imports}; {model}. No network, no files but its own memory, no keys."


def _difference(request: Mapping[str, Any]) -> str:
    champion = request["champion"]
    lines = difflib.unified_diff(
        _lines(champion["source"]),
        _lines(request["source"]),
        f"champion {one_line(champion['name'])}",
        f"challenger {one_line(request['name'])}",
        lineterm="",
    )
    return "\n".join(lines)


def _lines(source: str) -> list[str]:
    """The lines of a source as Python ends them, and no others."""
    return visible(source.replace("\r\n", "\n").replace("\r", "\n")).split("\n")


def show(renderable: RenderableType) -> None:
    """Print it, as wide as the terminal."""
    Console().print(renderable)
