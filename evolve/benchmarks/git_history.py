"""Any git repository's own past: given a commit's message, which files does it change?

Dynamic: commit by commit in order of time, first asked, then stored. `recall@10` is the fraction of the
commit's files among the first ten files of the retrieved commits, in their order. Only files that an earlier
commit changed can be known; merges, formatting sweeps and generated files are left out. Splits are
blocks of time: a later split's memory has taken in every earlier commit.
"""

import hashlib
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alma_mcp.contract import Experience, Query
from alma_mcp.errors import DataMissing
from evolve.benchmarks import Played, Recall, Scope, Split, Task, ranked_experiences
from evolve.benchmarks.splits import block_of_time

DEFAULT_DATA = Path()
MOST_FILES = 40
FEWEST_TASKS = 20
MOST_COMMITS = 3000
DEPTH = 10
DESCRIBES = f"""\
The commits of one repository, oldest first. A commit's message is asked, {DEPTH} items; then the commit is stored:
`task` is the message, `outcome` the files it changed, a line each. What counts are the files of the commits that the
returned items rest on, in their order: `recall@{DEPTH}`, the score, is the fraction of the commit's known files among
the first {DEPTH} distinct files."""
GENERATED = re.compile(
    r"(^|/)(node_modules|vendor|third_party|dist|build|__pycache__)/|\.lock$|-lock\.json$|\.min\.(js|css)$|\.snap$|\.svg$"
)
SWEEP = re.compile(
    r"\b(reformat|formatting|run (black|prettier|gofmt|ruff)|mass rename|update copyright)\b", re.IGNORECASE
)
TASKS_IN_CLUSTER = 5


@dataclass(frozen=True, slots=True)
class Commit:
    """What one commit said and changed. `time` is the committer's, seconds since the epoch."""

    hash: str
    time: float
    message: str
    files: tuple[str, ...]


class GitHistory:
    """The benchmark over one repository."""

    name = "git_history"
    primary = "recall@10"

    def __init__(self, data: Path) -> None:
        self._data = data

    def scopes(self, split: Split) -> Sequence[Scope]:
        """One scope: the repository."""
        commits = read_commits(self._data)
        tasks = _tasks(commits)
        if len(tasks) < FEWEST_TASKS:
            raise DataMissing(
                f"{self._data} has {len(tasks)} commits that change files known from earlier ones;"
                f" at least {FEWEST_TASKS} are needed. A shallow clone is completed by `git fetch --unshallow`."
            )
        first, last = block_of_time(tasks, split)
        asked = {task.id: task for task in tasks[first:last]}
        moments: list[Experience | Task] = []
        for commit in commits:
            if commit.hash in asked:
                moments.append(asked.pop(commit.hash))
                if not asked:
                    break
            moments.append(_experience(commit))
        files = {_opaque(commit): commit.files for commit in commits}
        return [Scope(self._data.resolve().name, moments, {"files": files})]

    async def play(self, scope: Scope, task: Task, recall: Recall) -> Played:
        commits = ranked_experiences(await recall(task.query))
        files = list(dict.fromkeys(file for commit in commits for file in scope.facts["files"].get(commit, ())))
        hits = len(task.answer & set(files[:DEPTH]))
        return Played({"recall@10": hits / len(task.answer), "any@10": float(hits > 0)})


def read_commits(repository: Path) -> list[Commit]:
    """The commits worth remembering, oldest first. Raises `DataMissing`."""
    command = ["git", "-C", str(repository), "log", "--no-merges", "--reverse", f"--max-count={MOST_COMMITS}"]
    command += ["--name-only", "--format=%x1e%H%x1f%ct%x1f%B%x1f", "--no-renames"]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise DataMissing("The benchmark git_history needs git; install it.") from error
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().splitlines()[0]
        raise DataMissing(f"{repository} is no git repository with commits ({reason}); name one with `--data PATH`.")
    records = done.stdout.decode(errors="replace").split("\x1e")[1:]
    return [commit for record in records if (commit := _commit(record))]


def _commit(record: str) -> Commit | None:
    name, time, message, listed = record.split("\x1f", 3)
    files = tuple(file for file in listed.strip().splitlines() if file and not GENERATED.search(file))
    if not files or len(files) > MOST_FILES or not message.strip() or SWEEP.search(message.splitlines()[0]):
        return None
    return Commit(name, float(time), message.strip(), files)


def _tasks(commits: Sequence[Commit]) -> list[Task]:
    seen: set[str] = set()
    tasks: list[Task] = []
    for commit in commits:
        if known := seen & set(commit.files):
            cluster = f"block {len(tasks) // TASKS_IN_CLUSTER}"
            tasks.append(
                Task(commit.hash, Query(commit.message, limit=10, time=commit.time), frozenset(known), cluster)
            )
        seen.update(commit.files)
    return tasks


def _experience(commit: Commit) -> Experience:
    files = "\n".join(commit.files)
    return Experience(_opaque(commit), kind="commit", task=commit.message, outcome=files, time=commit.time)


def _opaque(commit: Commit) -> str:
    """An id that tells a design nothing."""
    return "m" + hashlib.sha256(f"git/{commit.hash}".encode()).hexdigest()[:16]
