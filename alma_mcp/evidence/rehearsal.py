"""The rehearsal of a challenger: how it does with this home's own memories and questions, before anybody depends on it.

Computed here, shown here, sent nowhere. It holds no texts: questions by their number in the question log, memories by
their ids, so that what is forgotten is forgotten here too. Frozen, and known by its hash, as a dossier is.
"""

from pathlib import Path
from statistics import fmean
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from alma_mcp.evidence.file import EvidenceFile


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Performance(_Frozen):
    """How one of the two designs did: `p50_ms` and `p95_ms` of an answer, questions it `failed`, megabytes on disk
    and in its workers' memory, the most of them that ran at once.
    """

    design: str
    name: str
    p50_ms: float = 0.0
    p95_ms: float = 0.0
    failed: int = 0
    disk_mb: float = 0.0
    memory_mb: float = 0.0


class SideBySide(_Frozen):
    """One real question, and what each design answers to it: ids of experiences, best first. Times in milliseconds.

    A design that failed it shows nothing, and says so.
    """

    question: int
    champion: tuple[str, ...]
    challenger: tuple[str, ...]
    champion_ms: float
    challenger_ms: float
    champion_failed: bool = False
    challenger_failed: bool = False

    @property
    def overlap(self) -> float:
        """The part of all shown memories that both show, 1 where neither shows any."""
        both, all_shown = set(self.champion) & set(self.challenger), set(self.champion) | set(self.challenger)
        return len(both) / len(all_shown) if all_shown else 1.0

    @property
    def appearing(self) -> tuple[str, ...]:
        """What the challenger shows and the champion does not, best first."""
        return tuple(each for each in dict.fromkeys(self.challenger) if each not in self.champion)

    @property
    def lost(self) -> tuple[str, ...]:
        """What the champion shows and the challenger does not, best first."""
        return tuple(each for each in dict.fromkeys(self.champion) if each not in self.challenger)


class Rehearsal(EvidenceFile):
    """What came of it. `events` were taken in within `replay_seconds`, `set_aside` of them could not be.

    `objections` are sentences without a full stop: what a readiness check found. `at` is seconds, UTC. `questions` are
    the newest real ones, newest first; a home without any has an empty shadow report.
    """

    called: ClassVar[str] = "rehearsal"

    at: float
    challenger: Performance
    champion: Performance
    scopes: int
    events: int
    set_aside: int
    replay_seconds: float
    questions: tuple[SideBySide, ...] = ()
    objections: tuple[str, ...] = ()

    @property
    def report(self) -> str:
        """The SHA-256 of the rehearsal."""
        return self.digest

    @property
    def overlap(self) -> float:
        """The mean over the questions of what both show, 1 where there are none."""
        return fmean(each.overlap for each in self.questions) if self.questions else 1.0

    @property
    def appearing(self) -> int:
        """How many memories the challenger shows that the champion does not, over all questions."""
        return sum(len(each.appearing) for each in self.questions)

    @property
    def lost(self) -> int:
        """How many memories the champion shows that the challenger does not, over all questions."""
        return sum(len(each.lost) for each in self.questions)

    @property
    def questions_with_new(self) -> int:
        """Questions to which the challenger shows something that the champion does not."""
        return sum(bool(each.appearing) for each in self.questions)

    @property
    def questions_with_lost(self) -> int:
        """Questions to which the champion shows something that the challenger does not."""
        return sum(bool(each.lost) for each in self.questions)


def load_rehearsal(folder: Path, report: str) -> Rehearsal:
    """The rehearsal with this hash. Raises `StoreError` when it is missing or was changed."""
    return Rehearsal.load(folder, report)
