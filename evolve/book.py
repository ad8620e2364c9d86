"""The results of a design that are paid for already; whoever plays looks here first, and writes here at once."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from alma_mcp.contract import Experience
from evolve.evaluation import TaskResult


@dataclass(frozen=True, slots=True)
class Booked:
    """One played task, and what there was to remember of it where the memory learns from what it plays."""

    result: TaskResult
    experience: Experience | None = None

    def to_json(self) -> str:
        learnt = self.experience.to_json() if self.experience else None
        return json.dumps({"result": asdict(self.result), "experience": learnt})


def booked(text: str) -> Booked:
    """What `Booked.to_json` has written."""
    fields: Mapping[str, Any] = json.loads(text)
    learnt = fields["experience"]
    return Booked(TaskResult(**fields["result"]), Experience.from_json(learnt) if learnt else None)


class Book(Protocol):
    """The results of one design on one split of one benchmark, by task and seed."""

    def known(self, task: str, seed: int) -> Booked | None: ...

    def keep(self, entry: Booked) -> None: ...


@dataclass(frozen=True, slots=True)
class Leaf:
    """A book in memory alone."""

    entries: dict[tuple[str, int], Booked] = field(default_factory=dict)

    def known(self, task: str, seed: int) -> Booked | None:
        return self.entries.get((task, seed))

    def keep(self, entry: Booked) -> None:
        self.entries[entry.result.task, entry.result.seed] = entry
