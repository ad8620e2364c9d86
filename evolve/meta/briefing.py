"""Briefs: which designs a new one starts from, and what its writer is told of them."""

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from alma_mcp.design_store import Design
from evolve.archive import Archive, Entry
from evolve.evaluation import Evaluation
from evolve.meta.bandit import Tried
from evolve.meta.brief import Brief, Parent
from evolve.seen import Seen
from evolve.selection import Candidate, Sampler, iid

PARENTS = 2

Witness = Callable[[Design, Evaluation, random.Random], Awaitable[Sequence[str]]]
"""A few of a design's tasks of the search split, in whole."""


@dataclass(frozen=True, slots=True)
class Briefing:
    """Writes briefs. A `witness` is asked where the writer reads what it tells."""

    archive: Archive
    benchmark: str
    sampler: Sampler
    witness: Witness | None = None

    async def brief(
        self,
        seen: Seen,
        seed: int,
        *,
        parent: str = "",
        control: bool = False,
        tried: Sequence[Tried] = (),
        drafts: Sequence[Design] = (),
    ) -> Brief:
        """Choose a parent to change, unless its id is given, and a second one to borrow from.

        A `control` starts from scratch: from a seed, knowing the seeds alone. `drafts` are designs that nothing is
        known of yet, and that are not to be written again.
        """
        evaluations = seen.evaluations
        entries = {entry.id: entry for entry in seen.entries if not control or not entry.parents}
        candidates = [
            Candidate(each, evaluations[each].worth, entry.children, evaluations[each].scores, entry.parents)
            for each, entry in entries.items()
            if each in evaluations
        ]
        baseline = min(candidate.score for candidate in candidates)
        chance = random.Random(seed)
        sampler = iid if control else self.sampler
        chosen = [each.design for each in sampler(candidates, baseline, PARENTS, chance)]
        picked = list(dict.fromkeys([parent, *chosen] if parent else chosen))[:PARENTS]
        parents = [await self._parent(entries[each], evaluations[each], chance) for each in picked]
        others = [self.archive.design(entry) for entry in entries.values()]
        others += [] if control else drafts
        return Brief(parents, others, self.benchmark, [] if control else seen.failures, seed, tried)

    async def _parent(self, entry: Entry, evaluation: Evaluation, chance: random.Random) -> Parent:
        design = self.archive.design(entry)
        told = await self.witness(design, evaluation, chance) if self.witness else ()
        return Parent(design, evaluation, entry.hypothesis, self.archive.lessons(entry.id), told)
