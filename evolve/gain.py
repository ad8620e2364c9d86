"""What a search gains over designs from scratch, at equal cost: its own controls."""

from collections.abc import Sequence
from dataclasses import dataclass

from alma_mcp.evidence.dossier import Interval
from evolve.archive import Archive, Run
from evolve.compare import compare
from evolve.evaluation import Evaluation


@dataclass(frozen=True, slots=True)
class Gain:
    """The best of the first so many candidates of a search against the best of as many controls.

    `difference` is in pairs over the whole split, None where one of the two was eliminated: then `mean` is that of what
    they are estimated at. `found` and `control` are designs. Both were chosen by these very scores, so either is
    flattered.
    """

    candidates: int
    found: str
    control: str
    mean: float
    difference: Interval | None


def gain_over_iid(archive: Archive, run: Run) -> Gain | None:
    """None where the run has no control, or nothing else, that was scored."""
    ours: list[Evaluation | None] = []
    controls: list[Evaluation | None] = []
    for _, body in archive.journal.steps(run):
        if "outcome" in body:
            verdict = archive.verdict(body["design"], run.benchmark, "search")
            (controls if body.get("control") else ours).append(verdict if isinstance(verdict, Evaluation) else None)
    count = min(len(ours), len(controls))
    best, scratch = _best(ours[:count]), _best(controls[:count])
    if best is None or scratch is None:
        return None
    whole = not best.eliminated and not scratch.eliminated
    difference = compare(best.scores, scratch.scores, best.clusters).difference if whole else None
    return Gain(count, best.design, scratch.design, best.worth - scratch.worth, difference)


def _best(evaluations: Sequence[Evaluation | None]) -> Evaluation | None:
    return max((each for each in evaluations if each), key=lambda each: each.worth, default=None)
