"""The live view of a search, on standard error: what is in flight, what is best, what was spent, how long it takes."""

import contextlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from evolve.evaluation import Evaluation, Rejection, Verdict
from evolve.views.expenses import amounts, duration
from evolve.views.live_picture import picture
from evolve.views.scene import Flight, Scene
from evolve.views.told import one_line, told
from evolve.watching import Outlook, Spending, Stage

REFRESHES = 4
"""A second."""

Known = Callable[[str], Iterable[Evaluation]]
"""What was evaluated on a benchmark before."""


@dataclass(slots=True)
class _Pace:
    """How fast steps are finished. Times are those of the clock; the first step begins at `began`."""

    began: float | None = None
    finished: int = 0
    latest: float = 0.0

    def left(self, steps: int, now: float) -> float | None:
        """Seconds until so many more are finished; None before there is anything to go by."""
        if self.began is None or not self.finished:
            return None
        each = (self.latest - self.began) / self.finished
        return max(0.0, each * steps - (now - self.latest))


@dataclass(slots=True)
class _Best:
    """The best design so far: its score, and how that is told."""

    score: float
    line: str


def _nothing(_: str) -> Iterable[Evaluation]:
    return ()


@dataclass(slots=True)
class LiveView:
    """Implements `watching.Watcher`. Use it as a context.

    On a terminal the view stays below the lines of what is finished; elsewhere there are only those lines, without
    control characters. `known` gives what an interrupted search had evaluated before, among which the best may be.
    """

    console: Console = field(default_factory=lambda: Console(stderr=True))
    known: Known = _nothing
    clock: Callable[[], float] = time.monotonic
    _outlook: Outlook | None = None
    _flights: dict[str, Flight] = field(default_factory=dict)
    _pace: _Pace = field(default_factory=_Pace)
    _best: _Best | None = None
    _spending: Spending = field(default_factory=Spending)
    _open: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _began: float = 0.0

    def __enter__(self) -> Self:
        self._began = self.clock()
        if self.console.is_terminal and not self.console.is_dumb_terminal:
            live = Live(
                get_renderable=lambda: picture(self.scene()),
                console=self.console,
                refresh_per_second=REFRESHES,
                transient=True,
                redirect_stdout=False,
            )
            self._open.enter_context(live)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()
        if self._outlook:
            self._say(self._summary(self._outlook))

    def begins(self, outlook: Outlook) -> None:
        self._outlook = outlook
        self._say(
            f"{outlook.benchmark}: {outlook.rounds} {'round' if outlook.rounds == 1 else 'rounds'},"
            f" {outlook.steps} candidates by {outlook.proposer}"
            + (f", {outlook.done} of them done before" if outlook.done else "")
        )
        for evaluation in self.known(outlook.benchmark):
            self._consider(evaluation.name, evaluation)

    def moves(self, step: str, stage: Stage, done: int = 0, total: int = 0) -> None:
        now = self.clock()
        if not _is_seed(step) and self._pace.began is None:
            self._pace.began = now
        flight = self._flights.get(step, Flight(step, stage, since=now))
        self._flights[step] = replace(flight, stage=stage, done=done, total=total)

    def became(self, step: str, name: str, verdict: Verdict) -> None:
        self._flights.pop(step, None)
        if not _is_seed(step):
            self._pace.finished += 1
            self._pace.latest = self.clock()
        who = step if _is_seed(step) or not name else f"{step} {one_line(name)}"
        line = told(verdict)
        self._say(f"{who} {line}" if isinstance(verdict, Rejection) else f"{who}: {line}", _style(verdict))
        if isinstance(verdict, Evaluation):
            self._consider(name, verdict, line)

    def spent(self, spending: Spending) -> None:
        self._spending = spending

    def scene(self) -> Scene:
        """All that is to be seen now."""
        now = self.clock()
        outlook = self._outlook
        through = self._through
        left = self._pace.left(outlook.steps - through, now) if outlook else None
        best = self._best.line if self._best else ""
        flights = tuple(self._flights.copy().values())
        return Scene(outlook, through, best, flights, self._spending, now - self._began, left, now)

    @property
    def _through(self) -> int:
        return (self._outlook.done if self._outlook else 0) + self._pace.finished

    def _consider(self, name: str, evaluation: Evaluation, line: str = "") -> None:
        """Whether it is the best so far; what was eliminated cannot be."""
        score = evaluation.worth
        if not evaluation.eliminated and evaluation.results and (self._best is None or score > self._best.score):
            self._best = _Best(score, f"{one_line(name)} {line or told(evaluation)}")

    def _summary(self, outlook: Outlook) -> str:
        spending = self._spending
        cost = amounts(spending.calls, spending.tokens, spending.dollars, spending.episodes, unpriced=spending.unpriced)
        best = f"; best: {self._best.line}" if self._best else ""
        through = f"{self._through} of {outlook.steps} candidates done in {duration(self.clock() - self._began)}"
        return f"{through}{best}; spent: {cost or 'nothing'}"

    def _say(self, line: str, style: str = "") -> None:
        self.console.print(Text(line, style=style), soft_wrap=True)


def _is_seed(step: str) -> bool:
    return step.startswith("seed ")


def _style(verdict: Verdict) -> str:
    match verdict:
        case Rejection():
            return "red"
        case Evaluation(eliminated=""):
            return ""
        case Evaluation():
            return "dim"
