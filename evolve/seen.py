"""What a candidate may know of a search: what was there and judged before it was begun."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from evolve.archive import Archive, Entry
from evolve.evaluation import Evaluation, Rejection, Verdict

RECENT_FAILURES = 5


@dataclass(frozen=True, slots=True)
class Seen:
    """Designs in the order they came, and what became of those that were judged."""

    entries: Sequence[Entry]
    verdicts: Mapping[str, Verdict]

    @property
    def evaluations(self) -> dict[str, Evaluation]:
        return {design: each for design, each in self.verdicts.items() if isinstance(each, Evaluation)}

    @property
    def rejected(self) -> set[str]:
        """What was not scored: a design that did not run may be written again, mended."""
        return {design for design, each in self.verdicts.items() if isinstance(each, Rejection)}

    @property
    def incumbent(self) -> Evaluation | None:
        """The best that was played whole."""
        whole = [each for each in self.evaluations.values() if not each.eliminated]
        return max(whole, key=lambda each: each.mean, default=None)

    @property
    def failures(self) -> list[Rejection]:
        return [each for each in self.verdicts.values() if isinstance(each, Rejection)][-RECENT_FAILURES:]

    def gain(self, design: str) -> float:
        """By how much a design is better than its first parent, 0 where it is not or is not scored."""
        parents = next((entry.parents for entry in self.entries if entry.id == design), ())
        both = [self.evaluations.get(each) for each in (design, *parents[:1])]
        return max(0.0, both[0].worth - both[1].worth) if len(both) > 1 and both[0] and both[1] else 0.0


def seen_of(archive: Archive, benchmark: str, designs: Sequence[str]) -> Seen:
    """These designs, with the children that they have among themselves."""
    every = {entry.id: entry for entry in archive.entries()}
    entries = [every[design] for design in dict.fromkeys(designs)]
    born = [parent for entry in entries for parent in entry.parents]
    judged = {entry.id: archive.verdict(entry.id, benchmark, "search") for entry in entries}
    return Seen(
        [replace(entry, children=born.count(entry.id)) for entry in entries],
        {design: verdict for design, verdict in judged.items() if verdict is not None},
    )
