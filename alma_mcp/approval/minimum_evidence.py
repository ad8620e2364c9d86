"""What a dossier lacks of the evidence that `serve.toml` asks of every promotion."""

from collections.abc import Sequence

from alma_mcp.config import MinimumEvidence
from alma_mcp.evidence.dossier import Dossier


def unmet(settings: MinimumEvidence, dossier: Dossier) -> list[str]:
    """The rules that the dossier does not meet, a sentence each; none where it meets them all."""
    found = []
    if settings.benchmarks and dossier.benchmark not in settings.benchmarks:
        allowed = _one_of(settings.benchmarks)
        found.append(f"This home asks for a gate on {allowed}; this one was opened on {dossier.benchmark}.")
    if dossier.tasks < settings.tasks:
        found.append(f"This home asks for at least {settings.tasks:,} tasks; {dossier.tasks:,} were compared.")
    if settings.agents and dossier.agent not in settings.agents:
        played = f"{dossier.agent} did" if dossier.agent else "no agent did"
        found.append(f"This home asks that {_one_of(settings.agents)} played; {played}.")
    return found


def _one_of(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
