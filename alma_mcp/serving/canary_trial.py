"""What is known of a new design since it took over: how often both designs were asked, and what came of it.

It lies in a small file of the home, and holds ids and numbers alone.
"""

import json
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, Self

from alma_mcp.contract import Signal
from alma_mcp.errors import HomeUnusable
from alma_mcp.serving.e_process import ENOUGH, e_value

Side = Literal["new", "old"]
Verdict = Literal["", "kept", "rolled back"]


@dataclass(slots=True)
class Shown:
    """A question that both designs were asked: whose answer was shown, with which ids. It gives one signal at most."""

    side: Side
    ids: list[str] = field(default_factory=list)
    signalled: bool = False


@dataclass(slots=True)
class Trial:
    """The trial of the promotion `request`: of the design `new`, beside the one it took over from, `old`."""

    request: int
    new: str
    old: str
    name: str
    questions: list[Shown] = field(default_factory=list)
    against: int = 0
    in_favour: int = 0
    verdict: Verdict = ""

    @property
    def e_value(self) -> float:
        return e_value(self.against, self.in_favour)

    @property
    def is_lost(self) -> bool:
        """Whether the signals are enough to go back."""
        return self.e_value >= ENOUGH

    @property
    def signals(self) -> str:
        """The count of the signals, for a person."""
        return f"{self.against} of {self.against + self.in_favour} signals against it"

    def begun(self, side: Side) -> int:
        """One more question is put to both, and this side is to be shown; gives its number."""
        self.questions.append(Shown(side))
        return len(self.questions) - 1

    def failed(self, number: int, side: Side) -> None:
        """Of the two designs this one alone failed at a question."""
        self._signal(self.questions[number], against_new=side == "new")

    def heard(self, ids: Iterable[str], signal: Signal) -> bool:
        """Feedback speaks of the newest question that showed an experience; gives whether it told something new."""
        before = self.against + self.in_favour
        newest = {max(numbers) for each in ids if (numbers := self._showing(each))}
        for number in sorted(newest):
            shown = self.questions[number]
            self._signal(shown, against_new=(shown.side == "new") == (signal == "harmful"))
        return self.against + self.in_favour > before

    def _showing(self, experience: str) -> list[int]:
        return [number for number, each in enumerate(self.questions) if experience in each.ids]

    def _signal(self, shown: Shown, *, against_new: bool) -> None:
        if shown.signalled:
            return
        shown.signalled = True
        if against_new:
            self.against += 1
        else:
            self.in_favour += 1

    def save(self, path: Path) -> None:
        """Write it down, whole or not at all. Raises `HomeUnusable`."""
        try:
            with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=path.name, delete=False) as file:
                json.dump(asdict(self), file)
            Path(file.name).replace(path)
        except OSError as error:
            raise HomeUnusable(f"Cannot write {path} ({error.strerror}); check its rights and the disk.") from error

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """The trial in a file, or None where there is none that can be read."""
        try:
            values = json.loads(path.read_text())
            return cls(**{**values, "questions": [Shown(**each) for each in values["questions"]]})
        except (OSError, ValueError, KeyError, TypeError):
            return None
