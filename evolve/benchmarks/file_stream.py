"""Work on files, online and in order of time: which files will a piece of work change?

Before a piece of work its text is asked, then it is stored. `recall@10` and `ndcg@10` compare the files that it
changed, known or new, with the files of the retrieved experiences (`metrics.voted_files`); `ceiling` is the recall of
a memory that names every known file that is right.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from alma_mcp.contract import Experience, Query
from evolve.benchmarks import Feedback, Played, Recall, Scope, Split, Task, ranked_experiences
from evolve.benchmarks.metrics import ndcg, recall, voted_files
from evolve.benchmarks.splits import block_of_time

DEPTH = 10


SCORING = f"""\
What counts is which files the retrieved experiences changed: one at rank r gives each of its n files
1 / ((1 + r) sqrt(n)) votes, and `recall@{DEPTH}`, the score, is the fraction of the files that the work really changed
among the {DEPTH} with most votes. A file that no stored experience changed cannot be found: `ceiling` is the recall of
what can be."""
"""How a file stream is scored, for whoever writes designs."""


@dataclass(frozen=True, slots=True)
class Work:
    """What is asked before it, what is remembered of it, and which files it changed; `parts` tell it apart in a report.

    `cluster` is what an interval resamples.
    """

    question: str
    experience: Experience
    files: Sequence[str]
    cluster: str
    parts: Sequence[str] = ()


class FileStream:
    """What benchmarks over such work share; a subclass has `name` and `scopes`."""

    primary = "recall@10"

    async def play(self, scope: Scope, task: Task, recall_: Recall) -> Played:
        files = voted_files(ranked_experiences(await recall_(task.query)), scope.facts["files"])
        found = recall(task.answer, files, DEPTH)
        ceiling = scope.facts["ceiling"][task.id]
        metrics = {"recall@10": found, "ndcg@10": ndcg(task.answer, files, DEPTH), "ceiling": ceiling}
        return Played(metrics | {f"recall@10 {part}": found for part in scope.facts["parts"][task.id]})

    def popular(self, scope: Scope, task: Task) -> float:
        """The primary metric of the files most often changed before."""
        return recall(task.answer, scope.facts["popular"][task.id], DEPTH)


def stream(name: str, works: Sequence[Work], split: Split) -> Scope:
    """The works as one memory's life: those of the split are asked, all up to its end are stored."""
    first, last = block_of_time(works, split)
    moments: list[Experience | Feedback | Task] = []
    known: Counter[str] = Counter()
    popular: dict[str, list[str]] = {}
    ceiling: dict[str, float] = {}
    for number, work in enumerate(works[:last]):
        task_id, answer = work.experience.id, frozenset(work.files)
        if number >= first and answer:
            moments.append(
                Task(task_id, Query(work.question, limit=10, time=work.experience.time), answer, work.cluster)
            )
            popular[task_id] = [file for file, _ in known.most_common(DEPTH)]
            ceiling[task_id] = recall(answer, sorted(answer & known.keys()), DEPTH)
        moments.append(work.experience)
        known.update(answer)
    files = {work.experience.id: work.files for work in works}
    parts = {work.experience.id: work.parts for work in works}
    return Scope(name, moments, {"files": files, "parts": parts, "popular": popular, "ceiling": ceiling})
