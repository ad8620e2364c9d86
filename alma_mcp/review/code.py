"""What a challenger's code shows: what it reaches for, what it may use, where it came from, and the code itself."""

from alma_mcp.evidence.dossier import Dossier
from alma_mcp.evidence.static_audit import Audit, audit
from alma_mcp.review.parts import Code, Part, Table
from alma_mcp.review.request import Asked
from alma_mcp.visible_text import one_line, visible


def audit_of(asked: Asked) -> Part:
    """The audit of the code as it stands here, whatever the dossier says of it."""
    seen = audit(asked.source)
    worst = f"; worst function {one_line(seen.worst)}, complexity {seen.complexity}" if seen.worst else ""
    model = "asks a model" if seen.asks_model else "asks no model"
    figures = f"{seen.lines:,} lines, {seen.statements:,} statements{worst}"
    return Part(
        "What its code shows",
        (
            f"{figures}; {seen.texts:,} characters of literal texts; {model}.",
            *(one_line(f"Serious. {each}") for each in seen.serious),
            *(one_line(f"Worth a look. {each}") for each in seen.notes),
            *([f"And {seen.left_out:,} more places."] if seen.left_out else []),
            "Read without running it. This points at places for a person to read; it proves nothing.",
        ),
    )


def permissions_of(asked: Asked) -> Part:
    """What it may use, whatever it asks for, and what it reached for beyond that."""
    dossier, seen = asked.dossier, audit(asked.source)
    model = "asks for model completions" if dossier.needs_complete else "asks for no model completions"
    imports = one_line(", ".join(dossier.imports)) or "nothing"
    return Part(
        "What it may use",
        (
            f"Imports {imports}; {model}.",
            "It gets no network, no files but its own memory, and no keys, whatever its code asks for.",
            _tried(seen),
        ),
    )


def _tried(seen: Audit) -> str:
    reached = [each for each in seen.serious if "knowledge of tasks" not in each.text]
    if not reached:
        return "It reaches for nothing beyond that."
    lines = ", ".join(str(each.line) for each in reached)
    places = f"line {lines}" if len(reached) == 1 else f"lines {lines}"
    return f"It reaches for more, or hides what it does, on {places} of its code."


def lineage_of(dossier: Dossier) -> Part:
    """What it was made from, the nearest first, with the scores that the search saw."""
    if not dossier.ancestry:
        made = f"Made from {one_line(', '.join(dossier.lineage))}." if dossier.lineage else "Made from no other design."
        return Part("Lineage", (made,))
    rows = [
        (one_line(each.name), f"{each.back:,}", "not measured" if each.score is None else f"{each.score:.3f}")
        for each in dossier.ancestry
    ]
    return Part("Lineage", (), Table(("made from", "generations back", "score on the search split"), tuple(rows)))


def code_of(asked: Asked) -> Code:
    """Both sources under the names by which they are told apart."""
    return Code(
        readable(asked.champion.source),
        readable(asked.source),
        f"champion {asked.champion_title}",
        f"challenger {asked.title}",
    )


def readable(source: str) -> str:
    """A source with its lines ended as Python ends them, and no others, and nothing hidden in them."""
    return visible(source.replace("\r\n", "\n").replace("\r", "\n"))
