"""What a run has come to: the best of it, what it gains over designs from scratch, what it cost."""

from dataclasses import asdict
from typing import Any

from alma_mcp.design_store import SHORT
from evolve.archive import Archive, Run
from evolve.gain import Gain, gain_over_iid
from evolve.views.expenses import duration, spent
from evolve.views.told import one_line, told, verdict_data


def report_data(archive: Archive, run: Run) -> dict[str, Any]:
    """As data. `best` is the best design of the archive that was played whole; `gain_over_iid` may be None."""
    gain = gain_over_iid(archive, run)
    whole = [each for each in archive.scores(run.benchmark).values() if not each.eliminated]
    best = max(whole, key=lambda each: each.mean, default=None)
    outcomes = [body["outcome"] for _, body in archive.journal.steps(run) if "outcome" in body]
    return {
        "run": run.id,
        "benchmark": run.benchmark,
        "rounds": run.rounds,
        "done": run.done,
        "candidates": len(outcomes),
        "rejected": outcomes.count("rejected"),
        "best": {"design": best.design, "name": best.name, **verdict_data(best)} if best else None,
        "gain_over_iid": _gain_data(gain) if gain else None,
        "spent": spent(cost for _, cost in archive.journal.costs(run)),
    }


def report_lines(archive: Archive, run: Run) -> list[str]:
    """For a person."""
    data = report_data(archive, run)
    spending = data["spent"]
    seconds = sum(each["seconds"] for each in spending.values())
    done = f"{run.done} of {run.rounds} rounds, {data['candidates']} candidates, {data['rejected']} of them rejected"
    lines = [f"Run {run.id} on {run.benchmark}: {done}, {duration(seconds)} at work."]
    best = archive.scores(run.benchmark).get(data["best"]["design"]) if data["best"] else None
    if best:
        lines.append(f"Best: {best.design[:SHORT]} {one_line(best.name)}, {told(best)}.")
    gain = gain_over_iid(archive, run)
    lines.append(_gain_line(gain))
    if best:
        lines.append("Next: alma-evolve promote --config FILE puts the best finalist through the gate.")
    return lines


def _gain_data(gain: Gain) -> dict[str, Any]:
    return asdict(gain) | {"difference": gain.difference.model_dump() if gain.difference else None}


def _gain_line(gain: Gain | None) -> str:
    if gain is None:
        return "Gain over designs from scratch: unknown, since this run has no control that was scored."
    found = str(gain.difference) if gain.difference else f"about {gain.mean:+.3f}, one of the two being eliminated"
    many = "candidate" if gain.candidates == 1 else f"{gain.candidates} candidates"
    return (
        f"Gain over designs from scratch, search split: {found}. It is the best of the first {many}"
        f" ({gain.found[:SHORT]}) minus the best of as many controls ({gain.control[:SHORT]})."
    )
