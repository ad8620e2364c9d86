"""The canary: after a swap both designs answer a part of the real questions; a fair coin says whose answer is shown.

What people say of the shown answers, and what only one design fails at, are signals; where they speak against the new
design clearly enough (`e_process`), it is rolled back without anybody's doing.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from alma_mcp.contract import Signal
from alma_mcp.design_store import Design
from alma_mcp.errors import AlmaError, HomeUnusable
from alma_mcp.projections.projections import Projections
from alma_mcp.serving.answered import Answered, Asking, answered_by_live
from alma_mcp.serving.canary_trial import Side, Trial
from alma_mcp.serving.e_process import ENOUGH
from alma_mcp.serving.serving import Serving

RollBack = Callable[[int, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Extent:
    """The share of questions that both designs answer, in [0, 1], and how many of them there are to be."""

    share: float = 0.2
    questions: int = 200


class Canary:
    """Keeps the trial of the newest promotion in `path`. `chance` throws the coins.

    `roll_back` is given the promotion's number and a reason; it does nothing where another design is champion by now.
    """

    def __init__(self, serving: Serving, path: Path, extent: Extent, roll_back: RollBack, chance: Random) -> None:
        self._serving = serving
        self._path = path
        self._extent = extent
        self._roll_back = roll_back
        self._chance = chance
        self._comparing: set[asyncio.Task[None]] = set()
        self.trial = Trial.read(path)
        self.problem = ""

    @property
    def running(self) -> bool:
        """Whether questions are still to be put to both designs."""
        trial = self.trial
        if trial is None or trial.verdict or not self._extent.share or len(trial.questions) >= self._extent.questions:
            return False
        return self._pair(trial) is not None

    def watches(self, request: int) -> bool:
        """Whether the trial is that of this promotion."""
        return self.trial is not None and self.trial.request == request

    async def begin(self, request: int, new: Design) -> None:
        """The design of a promotion has taken over; a trial that was lost when the engine ended is decided now."""
        if self.trial and self.watches(request):
            if self.trial.is_lost:
                await self._decide(self.trial)
            return
        old = self._serving.previous
        if not self._extent.share or not self._extent.questions or old is None or old.design.id == new.id:
            self.trial = None
            self._path.unlink(missing_ok=True)
            return
        self.trial = Trial(request, new.id, old.design.id, new.name or new.short)
        self._save()

    async def answered(self, ask: Asking) -> Answered:
        """One design's whole answer; the other one is waited for only where this one fails."""
        trial = self.trial
        pair = self._pair(trial) if trial else None
        if trial is None or pair is None or not self.running or self._chance.random() >= self._extent.share:
            return await answered_by_live(self._serving, ask)
        side: Side = "new" if self._chance.random() < 0.5 else "old"
        number = trial.begun(side)
        asked: dict[Side, asyncio.Future[Answered]] = {each: asyncio.ensure_future(ask(pair[each])) for each in pair}
        comparing = asyncio.create_task(self._compare(trial, number, asked))
        self._comparing.add(comparing)
        comparing.add_done_callback(self._comparing.discard)
        shown = await asyncio.shield(asked[side])
        if shown.failed:
            other = await asyncio.shield(asked["old" if side == "new" else "new"])
            shown = shown if other.failed else other
        if shown.failed and self._serving.live not in pair.values():
            return await answered_by_live(self._serving, ask)
        return replace(shown, question=number)

    def showed(self, answered: Answered, ids: Sequence[str]) -> None:
        """These experiences were in the answer, as it was cut to its budget."""
        trial = self.trial
        if trial is None or not 0 <= answered.question < len(trial.questions):
            return
        question = trial.questions[answered.question]
        question.side = "new" if answered.design == trial.new else "old"
        question.ids = [] if answered.failed else list(ids)
        if len(trial.questions) >= self._extent.questions and not trial.is_lost:
            trial.verdict = trial.verdict or "kept"
        self._save()

    async def heard(self, ids: Sequence[str], signal: Signal) -> None:
        """Feedback came on these experiences."""
        if self.trial and not self.trial.verdict and self.trial.heard(ids, signal):
            await self._decide(self.trial)

    def told(self) -> str:
        """How it stands, a sentence; empty where there has been none."""
        trial = self.trial
        if trial is None or trial.verdict == "rolled back":
            return ""
        so_far = f"{trial.signals} (e-value {trial.e_value:.2g}; {ENOUGH:g} rolls it back)"
        if trial.verdict == "kept":
            return f"Canary: {trial.name} stays after {len(trial.questions)} questions to both designs: {so_far}."
        if self._pair(trial) is None:
            return ""
        asked = f"{len(trial.questions)} of {self._extent.questions} questions to both designs"
        return f"Canary: {trial.name}, {asked}, {so_far}."

    async def close(self) -> None:
        """Wait for nothing any more."""
        for task in self._comparing:
            task.cancel()
        await asyncio.gather(*self._comparing, return_exceptions=True)

    def _pair(self, trial: Trial) -> dict[Side, Projections] | None:
        """Both designs, where they are the live one and the one before it."""
        live, previous = self._serving.live, self._serving.previous
        if previous is None or (live.design.id, previous.design.id) != (trial.new, trial.old):
            return None
        return {"new": live, "old": previous}

    async def _compare(self, trial: Trial, number: int, asked: dict[Side, asyncio.Future[Answered]]) -> None:
        """A failure of one design that the other one did not share is a signal."""
        try:
            both = {side: (await answer).failed for side, answer in asked.items()}
        finally:
            for answer in asked.values():
                answer.cancel()
        if both["new"] != both["old"] and trial is self.trial and self._pair(trial):
            trial.failed(number, "new" if both["new"] else "old")
            await self._decide(trial)

    async def _decide(self, trial: Trial) -> None:
        """Write down how it stands, and go back where that is enough."""
        self._save()
        if trial.verdict or not trial.is_lost:
            return
        reason = f"the canary of {trial.name} found it worse than the design before it: {trial.signals}"
        reason += f" after {len(trial.questions)} questions to both (e-value {trial.e_value:.3g})"
        try:
            await self._roll_back(trial.request, reason)
            trial.verdict = "rolled back"
            self.problem = ""
        except AlmaError as error:
            self.problem = f"The canary cannot roll {trial.name} back: {error}"
        self._save()

    def _save(self) -> None:
        with contextlib.suppress(HomeUnusable):  # on a full disk it goes on until the engine ends
            if self.trial:
                self.trial.save(self._path)
