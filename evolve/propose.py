"""A proposer writes a new design from one or two parents. The brief is all it is told."""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Protocol

from alma_mcp import contract
from alma_mcp.design_store import Design
from evolve.evaluation import Evaluation, Rejection

PROMPT = Path(__file__).parent / "prompts" / "propose.md"
REPAIR = Path(__file__).parent / "prompts" / "repair.md"
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
HYPOTHESIS = re.compile(r"^Hypothesis:\s*(.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Parent:
    """A design to start from, with what it scored on the search split."""

    design: Design
    evaluation: Evaluation


@dataclass(frozen=True, slots=True)
class Brief:
    """What a proposer is told: the parents, others to borrow from, the domain, what failed before, and its chance."""

    parents: Sequence[Parent]
    others: Sequence[Design]
    benchmark: str
    failures: Sequence[Rejection]
    seed: int

    @property
    def chance(self) -> random.Random:
        """Seeded, and fresh at every use."""
        return random.Random(self.seed)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A written design, and the claim that it is to test."""

    source: str
    hypothesis: str
    tokens: int = 0


class Proposer(Protocol):
    """A way to get a new design."""

    name: str

    async def propose(self, brief: Brief) -> Proposal:
        """Raises `ProposalFailed` when nothing usable comes, `BudgetSpent` at a ceiling."""


def write_prompt(brief: Brief) -> str:
    """The prompt for a model: everything in it is generated, so it cannot be out of date."""
    parent = brief.parents[0]
    return Template(PROMPT.read_text(encoding="utf-8")).substitute(
        benchmark=brief.benchmark,
        contract=Path(contract.__file__).read_text(encoding="utf-8"),
        parent=parent.design.source,
        scores=_scores(parent.evaluation),
        second=_second(brief),
        failures="\n".join(f"- {failure.stage}: {failure.reason}" for failure in brief.failures) or "- none",
    )


def write_repair(prompt: str, answer: str, rejection: Rejection) -> str:
    """The prompt that gives a rejected answer back, with the reason."""
    text = Template(REPAIR.read_text(encoding="utf-8"))
    reason = f"{rejection.stage}: {rejection.reason}\n{rejection.trace}"
    return text.substitute(prompt=prompt, answer=answer, reason=reason)


def read_answer(answer: str, tokens: int = 0) -> Proposal | Rejection:
    """The design in a model's answer: exactly one Python block, and a line with the hypothesis."""
    blocks = BLOCK.findall(answer)
    if len(blocks) != 1:
        return Rejection("", "answer", f"The answer has {len(blocks)} ```python blocks; exactly one is wanted.")
    stated = HYPOTHESIS.search(answer)
    if not stated:
        return Rejection("", "answer", "The answer has no line that begins with `Hypothesis:`.")
    return Proposal(blocks[0], stated.group(1).strip(), tokens)


def _scores(evaluation: Evaluation) -> str:
    metrics = evaluation.summary()["metrics"]
    return "\n".join(
        f"- {name}: {value['mean']:.3f} [{value['low']:.3f}, {value['high']:.3f}]" for name, value in metrics.items()
    )


def _second(brief: Brief) -> str:
    if len(brief.parents) < 2:
        return "There is none."
    second = brief.parents[1]
    return f"{_scores(second.evaluation)}\n\n```python\n{second.design.source}```"
