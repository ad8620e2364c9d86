"""SWE-bench Lite (Jimenez et al., ICLR 2024) as a stream: which files does the fix of an issue change?

Online and in order of time, a scope for each repository: an issue's text is asked, then the issue is stored with its
fix. `recall@10` and `ndcg@10` compare the files of the fix (its patch; tests are apart in this data) with the files of
the retrieved issues (`metrics.voted_files`); files that no earlier fix changed cannot be known, and `ceiling` is the
recall of a memory that names every known file that is right. Splits are blocks of time within each repository. An
interval resamples repositories.

Data: the instances as a JSON array or as JSON lines, with `instance_id`, `repo`, `created_at`, `problem_statement` and
`patch`.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from alma_mcp.contract import Experience, Query, Step
from alma_mcp.errors import DataMissing
from evolve.benchmarks import Feedback, Recall, Scope, Split, Task, ranked_experiences
from evolve.benchmarks.metrics import ndcg, recall, voted_files
from evolve.benchmarks.splits import block_of_time

DEFAULT_DATA = Path("../shared/data/swebench_lite/chrono_dev.json")
SOURCE = "https://huggingface.co/datasets/SWE-bench/SWE-bench_Lite (MIT)"
DEPTH = 10
CHANGED = re.compile(r"^diff --git a/(\S+) b/", re.MULTILINE)
LONGEST_PATCH = 4000


class SwebenchStream:
    """The benchmark over one file of instances."""

    name = "swebench_stream"
    primary = "recall@10"

    def __init__(self, data: Path) -> None:
        self._data = data

    def scopes(self, split: Split) -> Sequence[Scope]:
        """One scope a repository; those without a task in the split are left out."""
        try:
            records = sorted(
                _read(self._data), key=lambda each: (each["repo"], each["created_at"], each["instance_id"])
            )
            scopes = [
                _scope(repo, list(group), split) for repo, group in groupby(records, lambda each: str(each["repo"]))
            ]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataMissing(f"{self._data} is not in SWE-bench's format ({error!r}); it is at {SOURCE}.") from error
        played = [scope for scope in scopes if any(isinstance(moment, Task) for moment in scope.moments)]
        if not played:
            raise DataMissing(f"{self._data} has no instance of the {split} split; it is at {SOURCE}.")
        return played

    async def play(self, scope: Scope, task: Task, recall_: Recall) -> Mapping[str, float]:
        files = voted_files(ranked_experiences(await recall_(task.query)), scope.facts["files"])
        return {
            "recall@10": recall(task.answer, files, DEPTH),
            "ndcg@10": ndcg(task.answer, files, DEPTH),
            "ceiling": scope.facts["ceiling"][task.id],
        }

    def popular(self, scope: Scope, task: Task) -> float:
        """The primary metric of the files most often changed before."""
        return recall(task.answer, scope.facts["popular"][task.id], DEPTH)


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise DataMissing(f"There is no file {path}; get it from {SOURCE} and name it with `--data PATH`.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise DataMissing(f"Cannot read {path} ({error}); get it again from {SOURCE}.") from error
    try:
        records = (
            json.loads(text)
            if text.lstrip().startswith("[")
            else [json.loads(line) for line in text.rstrip("\n").split("\n")]
        )
    except ValueError as error:
        raise DataMissing(f"{path} is not JSON; is it cut short? Get it again from {SOURCE}.") from error
    return list(records)


def _scope(repo: str, records: Sequence[Mapping[str, Any]], split: Split) -> Scope:
    first, last = block_of_time(records, split)
    moments: list[Experience | Feedback | Task] = []
    known: Counter[str] = Counter()
    popular: dict[str, list[str]] = {}
    ceiling: dict[str, float] = {}
    files = {_opaque(record): list(dict.fromkeys(CHANGED.findall(record["patch"]))) for record in records}
    for number, record in enumerate(records[:last]):
        name, time = _opaque(record), datetime.fromisoformat(record["created_at"]).timestamp()
        changed = frozenset(files[name])
        if number >= first and changed:
            moments.append(Task(name, Query(record["problem_statement"], limit=10, time=time), changed, repo))
            popular[name] = [file for file, _ in known.most_common(DEPTH)]
            ceiling[name] = recall(changed, sorted(changed & known.keys()), DEPTH)
        fix = Step("assistant", record["patch"][:LONGEST_PATCH])
        outcome = "\n".join(files[name])
        moments.append(Experience(name, "fix", record["problem_statement"], (fix,), outcome, time=time))
        known.update(changed)
    return Scope(repo, moments, {"files": files, "popular": popular, "ceiling": ceiling})


def _opaque(record: Mapping[str, Any]) -> str:
    """An id that tells a design nothing."""
    return "m" + hashlib.sha256(f"swebench/{record['instance_id']}".encode()).hexdigest()[:16]
