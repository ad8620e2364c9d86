"""What the page of a promotion consists of: sentences, tables and figures, the same for a terminal and a browser.

Every text in it is fit to be shown: a stranger's has been made visible, and only code has more than one line.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Literal

from alma_mcp.evidence.dossier import Interval

Tone = Literal["good", "warn", "bad"]


@dataclass(frozen=True, slots=True)
class Reason:
    """A sentence for or against it, and where it comes from."""

    sentence: str
    origin: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a careful person should do, in a word, and why: `sentence` goes on behind the word and a colon.

    `tone` only repeats it as a colour.
    """

    word: str
    sentence: str
    tone: Tone
    against: tuple[Reason, ...]
    in_favour: tuple[Reason, ...]

    @property
    def advice(self) -> str:
        """The whole of it in one sentence."""
        return f"{self.word}: {self.sentence}"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of texts under columns; the first column names the row."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A titled part of the page: sentences, and a table where there is one."""

    title: str
    lines: tuple[str, ...] = ()
    table: Table | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """What is drawn of a comparison: the difference between zero and the least that was asked for, tasks by outcome."""

    difference: Interval
    minimum: float
    wins: int
    ties: int
    losses: int


@dataclass(frozen=True, slots=True)
class Domain:
    """How one kind of tasks came out. `told` says the same as the interval, `outcome` what that means."""

    name: str
    tasks: str
    challenger: str
    champion: str
    told: str
    outcome: str
    tone: Literal["good", "bad", "plain"]
    difference: Interval


@dataclass(frozen=True, slots=True)
class Task:
    """One task: what both scored, who won; `path` is the page with how both played it, empty where there is none."""

    name: str
    kind: str
    challenger: str
    champion: str
    outcome: str
    path: str


@dataclass(frozen=True, slots=True)
class Remembered:
    """A memory by its id, and its text as it is now, or why there is none."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Example:
    """One real question to which the two answer differently."""

    question: str
    told: str
    appears: tuple[Remembered, ...]
    lost: tuple[Remembered, ...]
    failed: str = ""


@dataclass(frozen=True, slots=True)
class Shadow:
    """What the rehearsal with this home's own memories and questions came to. Of `overlap` 1 is all."""

    part: Part
    examples: tuple[Example, ...] = ()
    overlap: float | None = None


@dataclass(frozen=True, slots=True)
class Code:
    """Both sources, each line as Python reads it, and by which names they are told apart."""

    old: str
    new: str
    old_name: str
    new_name: str


@dataclass(frozen=True, slots=True)
class Review:
    """The whole page, in the order in which it is read."""

    request: int
    title: str
    short: str
    champion: str
    verdict: Verdict
    claim: Part
    gate: Part
    figures: Figures
    domains: tuple[Domain, ...]
    controls: Part
    shadow: Shadow
    beside: Part
    audit: Part
    permissions: Part
    lineage: Part
    code: Code
    tasks: tuple[Task, ...]
    states: Part
    hashes: Part
    commands: Part


def sentences(value: Any) -> Iterator[str]:
    """Every text that a page of this must show; code, paths and tones are left out."""
    if isinstance(value, str):
        if value:
            yield value
    elif isinstance(value, tuple):
        for each in value:
            yield from sentences(each)
    elif is_dataclass(value) and not isinstance(value, Code):
        for field in fields(value):
            if field.name not in ("path", "tone"):
                yield from sentences(getattr(value, field.name))
