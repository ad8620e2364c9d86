"""Progress on standard error, for anything that takes longer than a breath."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn


@dataclass(frozen=True, slots=True)
class Bar:
    """Tell it how many are done, and of how many; or what is worked on now."""

    progress: Progress
    task: TaskID

    def __call__(self, done: int, total: int) -> None:
        self.progress.update(self.task, completed=done, total=total)

    def title(self, text: str) -> None:
        self.progress.reset(self.task, description=text, total=None)


@contextlib.contextmanager
def bar(title: str) -> Iterator[Bar]:
    """A bar while the context is open."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield Bar(progress, progress.add_task(title, total=None))
