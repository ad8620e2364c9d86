"""SWE-bench Lite (Jimenez et al., ICLR 2024) as a stream: which files does the fix of an issue change?

A file stream (`evolve.benchmarks.file_stream`), a scope for each repository: an issue's text is asked, then the issue
is stored with its fix. The files are those of the patch (tests are apart in this data); what no earlier fix changed
cannot be known. Splits are blocks of time within each repository. An interval resamples repositories.

Data: the instances as a JSON array or as JSON lines, with `instance_id`, `repo`, `created_at`, `problem_statement` and
`patch`.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from alma_mcp.contract import Experience, Step
from alma_mcp.errors import DataMissing
from evolve.benchmarks import Scope, Split, Task
from evolve.benchmarks.file_stream import SCORING, FileStream, Work, stream

DEFAULT_DATA = Path("../shared/data/swebench_lite/chrono_dev.json")
SOURCE = "https://huggingface.co/datasets/SWE-bench/SWE-bench_Lite (MIT)"
DESCRIBES = f"""\
Issues of software projects, a memory for each project, in order of time. The text of an issue is asked, 10 items;
then the issue is stored with its fix: `task` is the issue, the one step the patch, `outcome` the files it changed, a
line each. {SCORING}"""
CHANGED = re.compile(r"^diff --git a/(\S+) b/", re.MULTILINE)
LONGEST_PATCH = 4000


class SwebenchStream(FileStream):
    """The benchmark over one file of instances."""

    name = "swebench_stream"

    def __init__(self, data: Path) -> None:
        self._data = data

    def scopes(self, split: Split) -> Sequence[Scope]:
        """One scope a repository; those without a task in the split are left out."""
        works: dict[str, list[Work]] = {}
        try:
            for record in sorted(_read(self._data), key=lambda each: (each["created_at"], each["instance_id"])):
                works.setdefault(record["repo"], []).append(_work(record))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataMissing(f"{self._data} is not in SWE-bench's format ({error!r}); it is at {SOURCE}.") from error
        scopes = [stream(repository, works[repository], split) for repository in sorted(works)]
        played = [scope for scope in scopes if any(isinstance(moment, Task) for moment in scope.moments)]
        if not played:
            raise DataMissing(f"{self._data} has no instance of the {split} split; it is at {SOURCE}.")
        return played


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


def _work(record: Mapping[str, Any]) -> Work:
    name = "m" + hashlib.sha256(f"swebench/{record['instance_id']}".encode()).hexdigest()[:16]
    time = datetime.fromisoformat(record["created_at"]).timestamp()
    files = list(dict.fromkeys(CHANGED.findall(record["patch"])))
    fix = Step("assistant", record["patch"][:LONGEST_PATCH])
    issue = record["problem_statement"]
    return Work(issue, Experience(name, "fix", issue, (fix,), "\n".join(files), time=time), files, record["repo"])
