"""What a proposer is told, what it works at, and what it gives back."""

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from alma_mcp.design_store import Design
from evolve.archive import Lesson
from evolve.evaluation import Evaluation, Rejection
from evolve.meta.bandit import Tried


@dataclass(frozen=True, slots=True)
class Parent:
    """A design to start from: what it scored on the search split, what it claimed, what its lineage has taught.

    `seen` are a few of its tasks of the search split, in whole: what was asked, what came back, how it went.
    """

    design: Design
    evaluation: Evaluation
    hypothesis: str = ""
    lessons: Sequence[Lesson] = ()
    seen: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Brief:
    """What a proposer is told: the parents, others to borrow from, the domain, what failed before, and its chance.

    `tried` are the candidates of this run so far: which model wrote them, and what came of it.
    """

    parents: Sequence[Parent]
    others: Sequence[Design]
    benchmark: str
    failures: Sequence[Rejection]
    seed: int
    tried: Sequence[Tried] = ()

    @property
    def chance(self) -> random.Random:
        """Seeded, and fresh at every use."""
        return random.Random(self.seed)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model, or a program, has answered, and what it cost. `dollars` is None where the price is unknown."""

    text: str
    who: str
    tokens_in: int = 0
    tokens_out: int = 0
    dollars: float | None = 0.0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Proposal:
    """A written design, and the claim that it is to test.

    `hypothesis` says the mechanism and why it helps, `refuted_by` what would show it wrong; `who` has written it.
    `rejection` is why the last of its drafts was not fit to be evaluated, where none was. `lessons` are lines that
    its writer has drawn from what it was shown. `parents` are the ids of the designs that it was made from, where that
    is not all of the brief's.
    """

    source: str
    hypothesis: str
    refuted_by: str = ""
    plan: str = ""
    who: str = ""
    rejection: Mapping[str, Any] = field(default_factory=dict)
    lessons: Sequence[str] = ()
    parents: Sequence[str] = ()


class Desk(Protocol):
    """What a proposer works at while it writes one design. What it asks is written down, and never paid for twice."""

    async def ask(self, question: str, who: str, tokens: int, asking: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer to a question of this name: the one on record, or else that of `asking`, recorded and counted.

        `tokens` is the most that it may cost, which is set aside meanwhile. Raises `BudgetSpent` before it is
        asked, and whatever `asking` raises.
        """

    async def try_out(self, source: str) -> Rejection | None:
        """Why a draft cannot be evaluated: it is nothing new, or it does not run in the sandbox."""


class Proposer(Protocol):
    """A way to get a new design."""

    name: str

    async def propose(self, brief: Brief, desk: Desk) -> Proposal:
        """Raises `ProposalFailed` when nothing usable comes, `BudgetSpent` at a ceiling."""


class Writer(Protocol):
    """What writes text: a model's endpoint, or a program. `who` names it; `tokens` is the most that an answer takes."""

    who: str
    tokens: int

    async def write(self, prompt: str, schema: Mapping[str, Any] | None) -> Answer:
        """The answer to a prompt; JSON of this schema where there is one. Raises `ProposalFailed`."""
